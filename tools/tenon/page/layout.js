// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the graph's boxes lie. A box is one layer below the lowest that it reads, so that
// data flows downwards; within a layer boxes stand near what they are connected with. A
// long model is cut into columns, read like those of a newspaper, so that all of it has
// the shape of the window. All steps take time in proportion to boxes and edges, but for
// sorting within layers.
const boxWidth = 150, boxHeight = 30, slotWidth = 172, layerHeight = 58, columnGap = 110;

/** items: [{inputs: [indices of earlier items]}]; sets depth, column, x and y of each. */
function layOut(items, aspect) {
  const users = items.map(() => []);
  items.forEach((item, i) => item.inputs.forEach(from => users[from].push(i)));
  for (const item of items) item.depth = item.inputs.reduce((depth, from) => Math.max(depth, items[from].depth + 1), 0);
  // What reads nothing stands right above its first reader, not at the top.
  for (let i = items.length - 1; i >= 0; --i)
    if (!items[i].inputs.length && users[i].length)
      items[i].depth = Math.max(0, Math.min(...users[i].map(user => items[user].depth)) - 1);
  const layers = [];
  items.forEach((item, i) => (layers[item.depth] = layers[item.depth] || []).push(i));
  for (let d = 0; d < layers.length; ++d) layers[d] = layers[d] || [];
  placeInLayers(items, users, layers);
  return cutIntoColumns(items, layers, aspect);
}

/** Coordinates in layers: three times down and up, towards the neighbours' mean. */
function placeInLayers(items, users, layers) {
  for (const layer of layers) layer.forEach((i, place) => { items[i].x = (place - (layer.length - 1) / 2) * slotWidth; });
  const sweep = (order, neighbours) => {
    for (const layer of order) {
      const wanted = new Map(layer.map(i => {
        const near = neighbours(i);
        return [i, near.length ? near.reduce((sum, other) => sum + items[other].x, 0) / near.length : items[i].x];
      }));
      layer.sort((a, b) => wanted.get(a) - wanted.get(b) || a - b);
      // Each at its place or right of the one before; then all back by the mean shift.
      let last = -Infinity, shift = 0;
      for (const i of layer) {
        items[i].x = Math.max(wanted.get(i), last + slotWidth);
        last = items[i].x;
        shift += items[i].x - wanted.get(i);
      }
      if (layer.length) for (const i of layer) items[i].x -= shift / layer.length;
    }
  };
  const reversed = [...layers].reverse();
  for (let round = 0; round < 3; ++round) {
    sweep(layers, i => items[i].inputs);
    if (round < 2) sweep(reversed, i => users[i]);
  }
}

/** The number of columns whose outline is nearest to the window's. */
function cutIntoColumns(items, layers, aspect) {
  const extents = layers.map(layer => layer.reduce(([low, high], i) => [Math.min(low, items[i].x), Math.max(high, items[i].x)], [0, 0]));
  const columnsOf = count => {
    const height = Math.max(1, Math.ceil(layers.length / count)), columns = [];
    for (let first = 0; first < layers.length; first += height) {
      const part = extents.slice(first, first + height);
      const low = part.reduce((a, e) => Math.min(a, e[0]), Infinity), high = part.reduce((a, e) => Math.max(a, e[1]), -Infinity);
      columns.push({ first, height, low, width: high - low + boxWidth });
    }
    return columns;
  };
  const outline = columns => ({
    width: columns.reduce((sum, column) => sum + column.width + columnGap, -columnGap),
    height: (columns.length ? columns[0].height : 1) * layerHeight,
  });
  let best = null;
  for (let count = 1; count <= Math.min(60, Math.max(1, Math.ceil(layers.length / 4))); ++count) {
    const columns = columnsOf(count), size = outline(columns);
    const misfit = Math.abs(Math.log(size.width / size.height / aspect));
    if (!best || misfit < best.misfit) best = { columns, misfit, ...size };
  }
  let left = 0;
  best.columns.forEach((column, number) => {
    column.left = left;
    for (let d = column.first; d < Math.min(layers.length, column.first + column.height); ++d)
      for (const i of layers[d]) {
        items[i].column = number;
        items[i].x += left - column.low + boxWidth / 2;
        items[i].y = (d - column.first) * layerHeight + boxHeight / 2;
      }
    left += column.width + columnGap;
  });
  return best;
}
