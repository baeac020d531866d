// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The first part: totals, plans side by side, what costs most, and what should be known.
function makeSummary() {
  const page = byId('summary'), tile = (what, value, more) => element('div', { class: 'tile' }, element('div', { class: 'what' }, what), element('div', { class: 'value' }, String(value)), element('div', { class: 'more' }, more || ''));
  const fates = ['view', 'constant', 'dimensions', 'removed'].map(fate => [fate, nodes.filter(node => !node.main && node.became === fate).length]).filter(([, count]) => count);
  const memory = list(ledger.memory), arena = memory.reduce((sum, record) => sum + record.arena, 0), peak = memory.reduce((sum, record) => sum + record.peak, 0);
  const [chip, ...features] = String(data.target || '').split(',');
  page.append(element('div', { class: 'tiles' },
    tile('compiled for', chip, [features.join(' '), ...list(data.devices).map(device => 'and ' + device.name)].filter(Boolean).join(', ')),
    tile('ONNX nodes', nodes.length, fates.map(([fate, count]) => count + ' ' + fate).join(', ')),
    tile('kernels', kernels.length, hasDevices ? devices.map(device => kernels.filter(kernel => kernel.device === device).length + ' on ' + device).join(', ') : new Set(kernels.map(kernel => kernel.strategy)).size + ' strategies'),
    tile('operations', countText(kernels.reduce((sum, kernel) => sum + kernel.work, 0)), kernels.some(kernel => !kernel.work && kernel.estimate) ? 'at the sizes to expect' : ''),
    isPredicted ? tile('predicted', timeText(kernels.reduce((sum, kernel) => sum + kernel.predicted, 0)), 'all kernels, one core’s numbers, without copies') : null,
    isMeasured ? tile('measured', timeText(kernels.reduce((sum, kernel) => sum + kernel.measured, 0)), 'sum of the kernels’ medians') : null,
    tile('weights', bytesText(data.weight_bytes || 0), (hasDevices ? 'code of the host ' : 'code ') + bytesText(data.code_bytes || 0)),
    memory.length ? tile('arena', bytesText(arena), peak ? 'lower bound ' + bytesText(peak) : 'results go to the outputs') : null,
    list(ledger.transfers).length ? tile('copies', list(ledger.transfers).length, bytesText(ledger.transfers.reduce((sum, transfer) => sum + transfer.bytes, 0))) : null));
  const bars = (rows, most) => element('table', { class: 'wide' }, rows.map(([name, value, text, colour, node]) => element('tr', {},
    element('td', {}, node ? element('button', { class: 'link', onclick: () => select(node, 'summary') }, name) : name),
    element('td', { class: 'number' }, text), element('td', { class: 'bar-cell' }, element('span', { class: 'bar-fill', style: { background: colour, width: (most ? 100 * value / most : 0) + '%' } })))));
  const predictions = list(ledger.predictions);
  if (predictions.length) {
    const least = Math.min(...predictions.map(one => one.seconds));
    page.append(element('h2', {}, 'Plans, by the chips’ numbers'), bars(predictions.map((one, i) => [one.plan, one.seconds, timeText(one.seconds) + (one.seconds > least * 1.001 ? ', ' + (one.seconds / least).toFixed(2) + ' times the least' : ''), i ? grey : palette[2]]), Math.max(...predictions.map(one => one.seconds))));
  }
  if (hasDevices) {
    const costs = devices.map(device => [device, kernels.filter(kernel => kernel.device === device).reduce((sum, kernel) => sum + costOf(kernel), 0)]);
    page.append(element('h2', {}, 'Devices, by ' + costName), bars(costs.map(([device, cost]) => [device, cost, costText(cost) + (totalCost ? ', ' + percent(cost / totalCost) : ''), deviceColour.get(device)]), Math.max(...costs.map(([, cost]) => cost))));
  }
  if (totalCost) {
    const group = key => { const sums = new Map(); for (const kernel of kernels) sums.set(key(kernel), (sums.get(key(kernel)) || 0) + costOf(kernel)); return [...sums].sort((a, b) => b[1] - a[1]); };
    const top = [...kernels].sort((a, b) => costOf(b) - costOf(a)).slice(0, 12), strategies = group(kernel => kernel.strategy).slice(0, 8);
    page.append(element('h2', {}, 'What costs most, by ' + costName),
      bars(top.map(kernel => { const node = list(kernel.nodes).map(name => nodeOf.get(name)).filter(Boolean)[0]; return [kernel.kernel + (node ? '  ·  ' + node.name : ''), costOf(kernel), costText(costOf(kernel)) + ', ' + percent(costOf(kernel) / totalCost), deviceColour.get(kernel.device) || palette[0], node]; }), costOf(top[0])),
      element('h2', {}, 'Strategies'), bars(strategies.map(([strategy, cost]) => [strategy, cost, costText(cost) + ', ' + percent(cost / totalCost), palette[5]]), strategies[0][1]));
  }
  page.append(element('h2', {}, 'Notes'));
  const byCode = new Map();
  for (const note of notes) byCode.set(note.code, [...(byCode.get(note.code) || []), note]);
  if (!notes.length) page.append(element('p', { class: 'dim' }, 'No lossy step, no scalar code, no refusal.'));
  for (const [code, group] of byCode) {
    const shown = group.slice(0, 5).map(note => element('div', { class: 'note' }, element('b', {}, code), ' ', note.text, ' ',
      element('span', { class: 'dim' }, list(note.kernels).length ? '(' + list(note.kernels).length + ' of ' + kernels.length + ' kernels: ' : '('),
      list(note.nodes).slice(0, 3).map((name, i) => [i ? ', ' : '', nodeOf.has(name) ? element('button', { class: 'link', onclick: () => select(nodeOf.get(name), 'summary') }, name) : name]),
      element('span', { class: 'dim' }, list(note.nodes).length > 3 ? ' and ' + (note.nodes.length - 3) + ' more)' : ')')));
    page.append(...shown);
    if (group.length > 5) page.append(element('p', { class: 'dim' }, code + ': ' + (group.length - 5) + ' more; the table lists them at their nodes'));
  }
  page.append(element('p', { class: 'dim' }, 'Model ', element('span', { class: 'code' }, data.file || ''), ledger.model_hash ? ', hash ' + ledger.model_hash : '', '. Made by ' + (data.producer || 'Tenon') + '.'));
}
