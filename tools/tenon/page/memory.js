// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory over time: each arena as a map, step by step from left to right, with every
// buffer where it lies as long as it is in use. The line is the sum of what is in use, for
// which no arena can be too small; what lies above its peak is lost to gaps.
function makeMemory() {
  const page = byId('memory'), records = list(ledger.memory).filter(record => list(record.steps).length);
  if (!records.length) {
    page.append(element('p', { class: 'empty' }, 'The artifact does not say how its memory is used: it was compiled by an earlier version, or needs none.'));
    return;
  }
  page.append(element('p', { class: 'dim' }, 'Activations of one run, in the order of the steps. Sizes that depend on open dimensions are at the sizes to expect. Weights, inputs and outputs are not in arenas.'));
  for (const record of records) page.append(...memoryOf(record));
}

function memoryOf(record) {
  const buffers = list(record.buffers), steps = list(record.steps), inUse = new Array(steps.length).fill(0);
  for (const buffer of buffers) for (let step = buffer.first; step <= Math.min(buffer.last, steps.length - 1); ++step) inUse[step] += buffer.bytes;
  const arena = Math.max(record.arena || 0, record.peak || 0), over = arena && record.peak ? arena / record.peak - 1 : 0;
  const title = record.program === 'host' ? 'Memory of ' + record.space + (record.space === 'host' ? '' : ', as the host plans it') : 'Region ' + record.program + ', in the memory of ' + record.space;
  const canvas = element('canvas', {}), plot = element('div', { class: 'plot' }, canvas), told = element('div', {});
  const made = [element('h2', {}, title), element('div', { class: 'columns' },
    fact('arena', bytesText(record.arena)), fact('lower bound', bytesText(record.peak) + (over > 0.001 ? ', ' + percent(over) + ' less' : arena ? ', reached' : '')),
    fact('steps', steps.length), fact('buffers', buffers.length), fact('at the peak', steps[record.peak_step] || ''))];
  if (!buffers.length) return [...made, element('p', { class: 'empty' }, 'No buffer of this program lies in an arena: results go straight to the outputs.')];
  drawMemory(canvas, record, steps, buffers, inUse, arena, told);
  return [...made, plot, told];
}
const fact = (name, value) => element('span', {}, element('span', { class: 'dim' }, name + ' '), element('b', {}, String(value)));

function drawMemory(canvas, record, steps, buffers, inUse, arena, told) {
  const context = canvas.getContext('2d'), edge = { left: 74, right: 14, top: 16, bottom: 26 };
  let pinned = record.peak_step, over = null;
  const style = name => getComputedStyle(document.documentElement).getPropertyValue(name);
  const inner = () => ({ width: canvas.clientWidth - edge.left - edge.right, height: canvas.clientHeight - edge.top - edge.bottom });
  const colourOf = buffer => {
    const kernel = kernelOf.get(buffer.writer), hue = [...buffer.writer].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 360, 7);
    return kernel || !/^(transfer|submit)/.test(buffer.writer) ? 'hsl(' + hue + ' 45% 62%)' : '#e69f00';
  };
  function paint() {
    const ratio = window.devicePixelRatio || 1, { width, height } = inner();
    if (width <= 0) return;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const x = step => edge.left + width * step / steps.length, y = bytes => edge.top + height * (1 - bytes / (arena * 1.05 || 1));
    context.font = '12px system-ui, "DejaVu Sans", sans-serif';
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    for (let i = 0; i <= 4; ++i) {
      const bytes = arena * i / 4;
      context.fillStyle = style('--dim');
      context.fillText(bytesText(Math.round(bytes)), edge.left - 8, y(bytes));
      context.fillStyle = style('--line');
      context.fillRect(edge.left, Math.round(y(bytes)), width, 1);
    }
    for (const buffer of buffers) {
      if (buffer.offset < 0) continue;
      context.fillStyle = colourOf(buffer);
      const at = y(buffer.offset + buffer.bytes), tall = Math.max(1, y(buffer.offset) - at);
      const from = x(buffer.first), wide = Math.max(1, x(buffer.last + 1) - from);
      context.fillRect(from, at, wide - (wide > 4 ? 1 : 0), tall - (tall > 4 ? 1 : 0));
    }
    for (const [step, alpha] of [[pinned, 0.28], [over, 0.14]])
      if (step !== null) {
        context.globalAlpha = alpha;
        context.fillStyle = style('--ink');
        context.fillRect(x(step), edge.top, Math.max(2, x(step + 1) - x(step)), height);
        context.globalAlpha = 1;
      }
    context.strokeStyle = style('--ink');
    context.lineWidth = 2;
    context.beginPath();
    inUse.forEach((bytes, step) => { context.lineTo(x(step), y(bytes)); context.lineTo(x(step + 1), y(bytes)); });
    context.stroke();
    context.setLineDash([6, 4]);
    context.lineWidth = 1.2;
    for (const [bytes, colour] of [[record.arena, style('--mark')], [record.peak, style('--ink')]]) {
      context.strokeStyle = colour;
      context.beginPath();
      context.moveTo(edge.left, y(bytes));
      context.lineTo(edge.left + width, y(bytes));
      context.stroke();
    }
    context.setLineDash([]);
    context.fillStyle = style('--dim');
    context.textAlign = 'left';
    context.fillText('step 1', edge.left, canvas.clientHeight - 11);
    context.textAlign = 'right';
    context.fillText('step ' + steps.length, edge.left + width, canvas.clientHeight - 11);
  }
  function tell(step) {
    const live = buffers.filter(buffer => buffer.first <= step && step <= buffer.last).sort((a, b) => b.bytes - a.bytes);
    const nodesOf = name => { const kernel = kernelOf.get(name); return kernel ? list(kernel.nodes).filter(node => nodeOf.has(node)) : []; };
    told.replaceChildren(
      element('h3', {}, (step === record.peak_step ? 'At the peak, step ' : 'At step ') + (step + 1) + ': ' + steps[step] + ' – ' + bytesText(inUse[step]) + ' in use'),
      element('p', { class: 'dim' }, 'Coloured: buffers where they lie. Line: what is in use. Dashed: the arena, and below it the lower bound. Click another step to see who is alive then.'),
      element('table', {}, element('tr', {}, ['written by', 'ONNX node'].map(name => element('th', {}, name)), ['bytes', 'share', 'steps'].map(name => element('th', { class: 'number' }, name))),
        live.slice(0, 40).map(buffer => element('tr', {}, element('td', {}, element('i', { class: 'dot', style: { background: colourOf(buffer) } }), ' ', buffer.writer),
          element('td', {}, nodesOf(buffer.writer).slice(-1).map(name => element('button', { class: 'link', onclick: () => select(nodeOf.get(name), 'memory') }, name))),
          element('td', { class: 'number' }, bytesText(buffer.bytes)), element('td', { class: 'number' }, percent(inUse[step] ? buffer.bytes / inUse[step] : 0)),
          element('td', { class: 'number' }, (buffer.first + 1) + ' – ' + (buffer.last + 1)))),
        live.length > 40 ? element('tr', {}, element('td', { colspan: 5, class: 'dim' }, live.length - 40 + ' smaller ones')) : null));
  }
  const stepAt = event => {
    const step = Math.floor((event.clientX - canvas.getBoundingClientRect().left - edge.left) / inner().width * steps.length);
    return step >= 0 && step < steps.length ? step : null;
  };
  canvas.addEventListener('pointermove', event => {
    over = stepAt(event);
    canvas.title = over === null ? '' : 'step ' + (over + 1) + ', ' + steps[over] + '\n' + bytesText(inUse[over]) + ' in use';
    paint();
  });
  canvas.addEventListener('pointerleave', () => { over = null; paint(); });
  canvas.addEventListener('click', event => { const step = stepAt(event); if (step !== null) { pinned = step; tell(step); paint(); } });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
  new ResizeObserver(paint).observe(canvas);
  tell(pinned);
}

function makeTransfers() {
  const page = byId('transfers'), transfers = list(ledger.transfers);
  if (!transfers.length) {
    page.append(element('p', { class: 'empty' }, 'Nothing is copied between memories: all runs on one device.'));
    return;
  }
  const linkOf = new Map(list(data.devices).map(device => [device.name, device]));
  const timeOf = transfer => {
    const link = linkOf.get(transfer.from === 'host' ? transfer.to : transfer.from);
    return link && link.mb_per_s ? link.latency_ns * 1e-9 + transfer.bytes / (link.mb_per_s * 1e6) : 0;
  };
  const total = transfers.reduce((sum, transfer) => sum + transfer.bytes, 0), time = transfers.reduce((sum, transfer) => sum + timeOf(transfer), 0);
  page.append(element('div', { class: 'columns' }, fact('copies in a run', transfers.length), fact('bytes', bytesText(total)), time ? fact('time by the links', timeText(time)) : null),
    element('table', { class: 'wide' }, element('tr', {}, [element('th', { class: 'number' }, '#'), ...['from', 'to', 'value'].map(name => element('th', {}, name)), element('th', { class: 'number' }, 'bytes'), element('th', { class: 'number' }, 'by the link'), element('th', {}, '')]),
      transfers.map((transfer, i) => element('tr', {}, element('td', { class: 'number' }, String(i + 1)),
        [transfer.from, transfer.to].map(space => element('td', {}, element('i', { class: 'dot', style: { background: deviceColour.get(space) || grey } }), ' ', space)),
        element('td', {}, nodeOf.has(transfer.value) ? element('button', { class: 'link', onclick: () => select(nodeOf.get(transfer.value), 'transfers') }, transfer.value) : transfer.value),
        element('td', { class: 'number' }, bytesText(transfer.bytes)), element('td', { class: 'number' }, timeText(timeOf(transfer))),
        element('td', { class: 'bar-cell' }, element('span', { class: 'bar-fill', style: { background: deviceColour.get(transfer.to) || grey, width: 100 * transfer.bytes / Math.max(...transfers.map(one => one.bytes), 1) + '%' } }))))));
}
