// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The graph on a canvas: thousands of boxes stay smooth to move, and labels are drawn
// only where they can be read.
function makeGraph() {
  const canvas = byId('drawing'), context = canvas.getContext('2d');
  let items = [], size = null, scale = 1, left = 0, top = 0, hovered = null, marked = new Set(), byNode = new Map();

  // What is drawn: the model's inputs, the nodes (or kernels), and its outputs.
  const inputItem = i => ({ kind: 'input', title: list(data.inputs)[i] ? data.inputs[i].name : 'input ' + i, inputs: [] });
  function nodeItems() {
    const made = [], inputOf = new Map(), at = new Map();
    const number = from => {
      if (from >= 0) return at.get(from);
      const input = -1 - from;
      if (!inputOf.has(input)) inputOf.set(input, made.push(inputItem(input)) - 1);
      return inputOf.get(input);
    };
    for (const node of nodes) {
      const inputs = node.inputs.map(number).filter(from => from !== undefined);
      at.set(node.index, made.push({ kind: 'node', node, title: node.name, sub: node.op.split('::').pop(), inputs }) - 1);
    }
    list(ledger.outputs).forEach((from, i) => {
      const source = number(from);
      if (source !== undefined)
        made.push({ kind: 'output', title: list(data.outputs)[i] ? data.outputs[i].name : 'output ' + i, inputs: [source] });
    });
    return made;
  }
  /** Nodes of one kernel are one box, and those of none are drawn through. */
  function kernelItems() {
    const made = [], inputOf = new Map(), boxOf = new Map(), reach = new Map();
    const number = from => {
      if (from >= 0) return reach.get(from) || new Set();
      const input = -1 - from;
      if (!inputOf.has(input)) inputOf.set(input, made.push(inputItem(input)) - 1);
      return new Set([inputOf.get(input)]);
    };
    for (const node of nodes) {
      const sources = new Set();
      for (const from of node.inputs) for (const box of number(from)) sources.add(box);
      if (!node.main) {
        reach.set(node.index, node.became === 'view' || node.became === 'removed' ? sources : new Set());
        continue;
      }
      if (!boxOf.has(node.main)) boxOf.set(node.main, made.push({ kind: 'kernel', node, title: node.main.kernel, sub: node.main.strategy, inputs: [] }) - 1);
      const box = boxOf.get(node.main);
      for (const from of sources) if (from < box && !made[box].inputs.includes(from)) made[box].inputs.push(from);
      reach.set(node.index, new Set([box]));
    }
    list(ledger.outputs).forEach((from, i) => {
      made.push({ kind: 'output', title: list(data.outputs)[i] ? data.outputs[i].name : 'output ' + i, inputs: [...number(from)] });
    });
    return made;
  }

  // Colours.
  const modes = { device: 'device', cost: costName, operator: 'operator', format: 'number format', became: 'what became of it' };
  for (const [value, text] of Object.entries(modes)) byId('colour').append(element('option', { value }, text));
  byId('colour').value = hasDevices ? 'device' : totalCost ? 'cost' : 'operator';
  const keys = { operator: node => node.op, format: node => node.format, became: node => node.became };
  let colours = new Map();
  const mostCost = kernels.reduce((most, kernel) => Math.max(most, costOf(kernel)), 0);
  /** From pale yellow over orange to dark red, by the square root so that small ones differ. */
  function heat(share) {
    const t = Math.sqrt(share), stops = [[247, 226, 150], [238, 146, 58], [165, 28, 38]];
    const [from, to, part] = t < 0.5 ? [stops[0], stops[1], t * 2] : [stops[1], stops[2], t * 2 - 1];
    return 'rgb(' + from.map((value, i) => Math.round(value + (to[i] - value) * part)).join(',') + ')';
  }
  function colourOf(item) {
    const node = item.node, mode = byId('colour').value;
    if (!node) return 'transparent';
    if (mode === 'cost') return node.main && mostCost ? heat(node.cost / mostCost) : grey + '55';
    if (mode === 'device') return deviceColour.get(node.device) || grey + '66';
    return colours.get(keys[mode](node)) || grey + '66';
  }
  function showLegend() {
    const mode = byId('colour').value, entry = (colour, text) => element('span', {}, element('i', { class: 'dot', style: { background: colour } }), text);
    colours = keys[mode] ? colouring(nodes.map(keys[mode])) : new Map();
    let entries;
    if (mode === 'cost') entries = [0, 0.1, 0.4, 1].map(share => entry(heat(share), costText(mostCost * share) || '0'));
    else if (mode === 'device') entries = [...deviceColour].map(([device, colour]) => entry(colour, device));
    else entries = [...colours].slice(0, palette.length).map(([key, colour]) => entry(colour, key));
    if (mode !== 'became') entries.push(entry(grey + '66', mode === 'operator' ? 'others' : 'no kernel: views, constants, shapes'));
    byId('legend').replaceChildren(...entries);
  }

  // Drawing.
  const style = name => getComputedStyle(document.documentElement).getPropertyValue(name);
  let waiting = false;
  const draw = () => { if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; paint(); }); } };
  function edgePath(from, to) {
    const x1 = from.x, y1 = from.y + boxHeight / 2, x2 = to.x, y2 = to.y - boxHeight / 2;
    context.beginPath();
    context.moveTo(x1, y1);
    if (from.column !== to.column) { // through the gap left of the reader's column
      const gap = size.columns[to.column].left - columnGap / 2, near = Math.min(26, layerHeight - boxHeight);
      context.bezierCurveTo(x1, y1 + near, gap, y1 + near, gap, y1 - near);
      context.lineTo(gap, Math.max(y2 - near, Math.min(y1 - near, y2)));
      context.bezierCurveTo(gap, y2 - near * 1.5, x2, y2 - near, x2, y2);
    } else if (to.depth - from.depth > 1 && Math.abs(x1 - x2) < slotWidth) { // around what lies between
      const bow = boxWidth * 0.62 + Math.min(60, (to.depth - from.depth) * 6);
      context.bezierCurveTo(x1 + bow, y1 + 24, x2 + bow, y2 - 24, x2, y2);
    } else {
      const middle = (y1 + y2) / 2;
      context.bezierCurveTo(x1, middle, x2, middle, x2, y2);
    }
  }
  function paint() {
    const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width || !size) return;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * left, ratio * top);
    const low = { x: -left / scale - boxWidth, y: -top / scale - boxHeight }, high = { x: (width - left) / scale + boxWidth, y: (height - top) / scale + boxHeight };
    const isSeen = item => item.x >= low.x && item.x <= high.x && item.y >= low.y && item.y <= high.y;
    const ofSelected = item => selected && item.node && isShownAs(item, selected);
    context.strokeStyle = style('--edge');
    for (const strong of [false, true]) {
      context.lineWidth = Math.max(strong ? 2.2 : 1, (strong ? 1.6 : 0.6) / scale);
      if (strong) context.strokeStyle = style('--mark');
      for (const item of items)
        for (const from of item.inputs) {
          const source = items[from];
          if (strong !== Boolean(ofSelected(item) || ofSelected(source)) || (item.column === source.column && !isSeen(item) && !isSeen(source) && (item.y < low.y || source.y > high.y))) continue;
          context.globalAlpha = strong ? 1 : item.column === source.column ? 0.75 : 0.4;
          edgePath(source, item);
          context.stroke();
        }
    }
    context.globalAlpha = 1;
    const ink = style('--ink'), panel = style('--panel'), mark = style('--mark'), readable = scale > 0.42;
    context.textBaseline = 'middle';
    context.textAlign = 'center';
    for (const item of items) {
      if (!isSeen(item)) continue;
      const x = item.x - boxWidth / 2, y = item.y - boxHeight / 2, isEnd = !item.node;
      context.beginPath();
      context.roundRect(x, y, boxWidth, boxHeight, isEnd ? boxHeight / 2 : 5);
      context.fillStyle = panel;
      context.fill();
      const colour = colourOf(item);
      context.fillStyle = colour;
      context.fill();
      const isMarked = ofSelected(item), isFound = item.node && marked.has(item.node);
      context.strokeStyle = isMarked || isFound ? mark : isEnd || item === hovered ? ink : 'rgba(0,0,0,.25)';
      context.lineWidth = isMarked || isFound ? Math.max(3, 2 / scale) : item === hovered ? 2 : 1;
      context.stroke();
      if (!readable) continue;
      context.fillStyle = colour.length === 9 || isEnd ? ink : inkOn(colour);
      if (scale > 0.75 && item.sub) {
        label(item.sub, item.x, item.y - 6, '600 11px system-ui, "DejaVu Sans", sans-serif');
        label(item.title, item.x, item.y + 7, '9.5px system-ui, "DejaVu Sans", sans-serif');
      } else {
        label(item.sub || item.title, item.x, item.y, '600 13px system-ui, "DejaVu Sans", sans-serif');
      }
    }
  }
  const inks = new Map();
  function inkOn(colour) {
    if (!inks.has(colour)) {
      const parts = colour[0] === '#' ? [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16)) : colour.match(/\d+/g).map(Number);
      inks.set(colour, parts[0] * 0.299 + parts[1] * 0.587 + parts[2] * 0.114 > 140 ? '#14181a' : '#fff');
    }
    return inks.get(colour);
  }
  const shortened = new Map();
  /** The end of a name tells most: paths share their beginnings. */
  function label(text, x, y, font) {
    context.font = font;
    const key = font + text;
    if (!shortened.has(key)) {
      let shown = text.length > 60 ? '…' + text.slice(-59) : text;
      while (shown.length > 2 && context.measureText(shown).width > boxWidth - 10) shown = '…' + shown.slice(2);
      shortened.set(key, shown);
    }
    context.fillText(shortened.get(key), x, y);
  }

  // Moving about.
  function fit() {
    if (!size || !canvas.clientWidth) return;
    const margin = 30;
    scale = Math.min(1.4, (canvas.clientWidth - 2 * margin) / size.width, (canvas.clientHeight - 2 * margin) / size.height);
    left = (canvas.clientWidth - size.width * scale) / 2;
    top = Math.max(margin, (canvas.clientHeight - size.height * scale) / 2);
    draw();
  }
  function zoom(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
    const next = Math.min(4, Math.max(0.01, scale * factor));
    left = x - (x - left) * next / scale;
    top = y - (y - top) * next / scale;
    scale = next;
    draw();
  }
  function reveal(node) {
    const item = byNode.get(node) || items.find(one => one.node && isShownAs(one, node));
    if (!item) return;
    scale = Math.max(scale, 0.9);
    left = canvas.clientWidth / 2 - item.x * scale;
    top = canvas.clientHeight / 2 - item.y * scale;
    draw();
  }
  const isShownAs = (item, node) => item.node === node || (item.kind === 'kernel' && item.node.main === node.main && node.main);
  function itemAt(event) {
    const box = canvas.getBoundingClientRect(), x = (event.clientX - box.left - left) / scale, y = (event.clientY - box.top - top) / scale;
    return items.find(item => Math.abs(item.x - x) <= boxWidth / 2 && Math.abs(item.y - y) <= boxHeight / 2) || null;
  }
  canvas.addEventListener('wheel', event => {
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  let drag = null;
  canvas.addEventListener('pointerdown', event => { drag = { x: event.clientX, y: event.clientY, left, top, moved: false }; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener('pointermove', event => {
    if (!drag) {
      const over = itemAt(event);
      if (over !== hovered) { hovered = over; canvas.style.cursor = over && over.node ? 'pointer' : ''; canvas.title = over ? [over.title, over.sub].filter(Boolean).join('\n') : ''; draw(); }
      return;
    }
    const x = event.clientX - drag.x, y = event.clientY - drag.y;
    drag.moved = drag.moved || Math.abs(x) + Math.abs(y) > 4;
    if (!drag.moved) return;
    canvas.classList.add('dragging');
    left = drag.left + x;
    top = drag.top + y;
    draw();
  });
  canvas.addEventListener('pointerup', event => {
    canvas.classList.remove('dragging');
    if (drag && !drag.moved) { const item = itemAt(event); select(item && item.node ? item.node : null, 'graph'); }
    drag = null;
  });
  canvas.addEventListener('keydown', event => {
    const step = { ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80] }[event.key];
    if (step) { left += step[0]; top += step[1]; draw(); } else if (event.key === '+') zoom(1.3); else if (event.key === '-') zoom(1 / 1.3); else if (event.key === '0') fit(); else return;
    event.preventDefault();
  });
  byId('in').addEventListener('click', () => zoom(1.4));
  byId('out').addEventListener('click', () => zoom(1 / 1.4));
  byId('fit').addEventListener('click', fit);
  byId('colour').addEventListener('change', () => { showLegend(); draw(); });
  let foundAt = -1;
  function find(step) {
    const text = byId('find').value.trim().toLowerCase();
    const found = text ? nodes.filter(node => (node.name + ' ' + node.op).toLowerCase().includes(text)) : [];
    marked = new Set(found);
    foundAt = found.length ? (foundAt + step + found.length) % found.length : -1;
    byId('found').textContent = text ? found.length + ' found' + (found.length > 1 ? ', Enter for the next' : '') : '';
    if (step && found.length) { reveal(found[foundAt]); select(found[foundAt], 'graph'); }
    draw();
  }
  byId('find').addEventListener('input', () => { foundAt = -1; find(0); });
  byId('find').addEventListener('keydown', event => { if (event.key === 'Enter') find(event.shiftKey ? -1 : 1); });

  function build() {
    items = byId('level').value === 'kernels' ? kernelItems() : nodeItems();
    byNode = new Map(items.filter(item => item.node).map(item => [item.node, item]));
    // An artifact of an earlier version does not say what nodes read: they stand in their order.
    const isKnown = items.some(item => item.inputs.length);
    if (!isKnown) items.forEach((item, i) => { item.inputs = i ? [i - 1] : []; });
    size = layOut(items, canvas.clientWidth / Math.max(200, canvas.clientHeight) || 1.8);
    if (!isKnown) for (const item of items) item.inputs = [];
    fit();
  }
  byId('level').addEventListener('change', build);
  listeners.push((node, from) => { if (from !== 'graph' && node && size) reveal(node); draw(); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  showLegend();
  new ResizeObserver(() => { if (!size && canvas.clientWidth) build(); else draw(); }).observe(canvas);
}
