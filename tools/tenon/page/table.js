// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The nodes as rows, of which only those in sight are in the document.
function makeTable() {
  const rowHeight = 26;
  const number = node => node.main ? node.main : { work: 0, predicted: 0, measured: 0 };
  const columns = [
    { title: '#', width: '44px', value: node => node.index, numeric: true },
    // Of a long name the end tells most: paths share their beginnings.
    { title: 'ONNX node', width: 'minmax(160px, 2.4fr)', value: node => node.name, text: name => name.length > 36 ? '…' + name.slice(-35) : name, hint: node => node.name },
    { title: 'operator', width: 'minmax(80px, 1fr)', value: node => node.op },
    hasDevices && { title: 'device', width: 'minmax(80px, .9fr)', value: node => node.device, dot: node => deviceColour.get(node.device) },
    { title: 'kernel', width: 'minmax(110px, 1.2fr)', value: node => node.main ? node.main.kernel + (node.kernels.length > 1 ? ' +' + (node.kernels.length - 1) : '') : '(' + node.became + ')' },
    { title: 'strategy and schedule', width: 'minmax(120px, 1.8fr)', value: node => node.main ? node.main.strategy + (node.main.schedule ? ' (' + node.main.schedule + ')' : '') : '' },
    { title: 'format', width: '84px', value: node => node.format },
    { title: 'operations', width: '82px', value: node => number(node).work, text: count => count ? countText(count) : '', numeric: true },
    isPredicted && { title: 'predicted', width: '82px', value: node => number(node).predicted, text: timeText, numeric: true },
    isMeasured && { title: 'measured', width: '82px', value: node => number(node).measured, text: timeText, numeric: true },
    totalCost > 0 && { title: 'share', width: '60px', value: node => node.cost / totalCost, text: share => share ? percent(share) : '', numeric: true },
    notes.length > 0 && { title: 'notes', width: 'minmax(70px, .8fr)', value: node => [...new Set(node.notes.map(note => note.code))].join(' '), hint: node => node.notes.map(note => note.text).join('\n') },
  ].filter(Boolean);
  const template = columns.map(column => column.width).join(' ');
  let order = 0, isDown = false, rows = nodes;
  const off = new Set();

  const head = byId('head');
  head.style.gridTemplateColumns = template;
  columns.forEach((column, i) => head.append(element('button', { class: column.numeric ? 'number' : null, onclick: () => {
    isDown = order === i ? !isDown : Boolean(column.numeric && i);
    order = i;
    update();
  } }, column.title)));

  // Chips: devices, and nodes that became no kernel.
  const kinds = hasDevices ? devices.map(device => ({ name: device, colour: deviceColour.get(device), has: node => node.device === device })) : [{ name: 'kernel', colour: palette[0], has: node => node.main }];
  for (const fate of ['view', 'constant', 'dimensions', 'removed'])
    if (nodes.some(node => !node.main && node.became === fate)) kinds.push({ name: fate, colour: grey + '66', has: node => !node.main && node.became === fate });
  for (const kind of kinds) {
    const chip = element('button', { class: 'chip', 'aria-pressed': 'true', onclick: () => {
      if (off.has(kind)) off.delete(kind); else off.add(kind);
      chip.setAttribute('aria-pressed', String(!off.has(kind)));
      update();
    } }, element('i', { class: 'dot', style: { background: kind.colour } }), kind.name + ' ' + nodes.filter(kind.has).length);
    byId('chips').append(chip);
  }
  const textOf = node => columns.map(column => String(column.text && column.numeric ? column.text(column.value(node)) : column.value(node))).join(' ').toLowerCase();
  let texts = null;

  function update() {
    const words = byId('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length && !texts) texts = new Map(nodes.map(node => [node, textOf(node)]));
    rows = nodes.filter(node => !kinds.some(kind => off.has(kind) && kind.has(node)) && words.every(word => texts.get(node).includes(word)));
    const value = columns[order].value, compare = new Intl.Collator(undefined, { numeric: true }).compare;
    rows.sort((a, b) => {
      const x = value(a), y = value(b);
      return (isDown ? -1 : 1) * (typeof x === 'number' ? x - y : compare(x, y)) || a.index - b.index;
    });
    [...head.children].forEach((button, i) => {
      if (i === order) button.setAttribute('aria-sort', isDown ? 'descending' : 'ascending'); else button.removeAttribute('aria-sort');
      button.textContent = columns[i].title + (i === order ? isDown ? ' ▾' : ' ▴' : '');
    });
    byId('count').textContent = rows.length === nodes.length ? rows.length + ' nodes' : rows.length + ' of ' + nodes.length + ' nodes';
    byId('sheet').style.height = rows.length * rowHeight + 'px';
    show();
  }
  function show() {
    const box = byId('rows'), first = Math.max(0, Math.floor(box.scrollTop / rowHeight) - 10);
    const shown = rows.slice(first, first + Math.ceil(box.clientHeight / rowHeight) + 20);
    byId('sheet').replaceChildren(...shown.map((node, i) => {
      const row = element('div', { class: 'row' + (node === selected ? ' selected' : ''), role: 'row', style: { top: (first + i) * rowHeight + 'px', gridTemplateColumns: template }, onclick: () => select(node, 'table') });
      for (const column of columns) {
        const value = column.value(node), text = column.text ? column.text(value) : String(value);
        const cell = element('span', { class: column.numeric ? 'number' : null, title: column.hint ? column.hint(node) : text });
        if (column.dot && column.dot(node)) cell.append(element('i', { class: 'dot', style: { background: column.dot(node) } }), ' ');
        cell.append(text);
        row.append(cell);
      }
      return row;
    }));
  }
  byId('rows').addEventListener('scroll', show, { passive: true });
  byId('filter').addEventListener('input', () => { byId('rows').scrollTop = 0; update(); });
  new ResizeObserver(show).observe(byId('rows'));
  listeners.push((node, from) => {
    const place = rows.indexOf(node), box = byId('rows');
    if (from !== 'table' && place >= 0) box.scrollTop = Math.max(0, place * rowHeight - box.clientHeight / 2);
    show();
  });
  update();
}

/** What is known of the selected node, beside whatever part of the page is shown. */
function makeDetail() {
  const panel = byId('detail');
  const link = node => element('button', { class: 'link', onclick: () => select(node, 'detail') }, node.name);
  const facts = entries => element('dl', {}, entries.filter(([, value]) => value !== '' && value !== undefined && value !== null).map(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]));
  const several = (count, one) => count + ' ' + one + (count === 1 ? '' : 's');
  listeners.push(node => {
    panel.hidden = !node;
    if (!node) return;
    const near = (title, indices) => indices.length ? [element('h3', {}, title), element('div', {}, indices.slice(0, 30).map(i => element('div', {}, i >= 0 ? link(nodes[i]) : 'the input ' + (list(data.inputs)[-1 - i] || { name: -1 - i }).name)))] : [];
    const became = { kernel: 'in ' + several(node.kernels.length, 'kernel'), view: 'a view: the same bytes under another shape', constant: 'evaluated while compiling', dimensions: 'shape arithmetic, resolved while compiling', removed: 'removed: changes nothing, is not used, or equals another node' };
    panel.replaceChildren(...[
      element('button', { class: 'small close', title: 'Close', onclick: () => select(null, 'detail') }, '×'),
      element('h3', { style: { borderTop: '0', paddingTop: '0', marginTop: '0' } }, node.name),
      facts([['operator', node.op], ['became', became[node.became]], ['device', hasDevices ? node.device : '']]),
      element('div', {}, element('button', { class: 'small', onclick: () => { showTab('graph'); select(node, 'detail'); } }, 'In the graph'), ' ', element('button', { class: 'small', onclick: () => { showTab('nodes'); select(node, 'detail'); } }, 'In the table')),
      node.notes.map(note => element('div', { class: 'note' }, element('b', {}, note.code), ' ', note.text)),
      node.kernels.map(kernel => [
        element('h3', {}, kernel.kernel),
        facts([['device', hasDevices ? kernel.device : ''], ['strategy', kernel.strategy], ['schedule', kernel.schedule], ['format', kernel.precision], ['vectors', kernel.vector_bits ? kernel.vector_bits + ' bits' : ''],
          ['operations', kernel.work ? countText(kernel.work) : ''], ['predicted', timeText(kernel.predicted)], ['measured', timeText(kernel.measured)], ['share', totalCost ? percent(costOf(kernel) / totalCost) + ' of the ' + costName : '']]),
        list(kernel.nodes).length > 1 ? element('div', {}, element('span', { class: 'dim' }, 'computes together with '), list(kernel.nodes).filter(name => name !== node.name && nodeOf.has(name)).map((name, i) => [i ? ', ' : '', link(nodeOf.get(name))])) : null,
      ]),
      near('Reads', node.inputs), near('Read by', node.users)].flat(Infinity).filter(Boolean));
    panel.scrollTop = 0;
  });
}
