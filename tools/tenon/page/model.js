// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the page is about, from the ledger that it carries. Names come from models and may
// be anything: they become text nodes and canvas text, never markup.
const data = JSON.parse(document.getElementById('data').textContent);
const ledger = data.ledger;
const list = value => Array.isArray(value) ? value : [];

/** An element; children are elements or texts. */
function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === 'style') Object.assign(made.style, value);
    else if (name === 'onclick') made.addEventListener('click', value);
    else if (value !== undefined && value !== null) made.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) if (child !== undefined && child !== null) made.append(child);
  return made;
}
const byId = id => document.getElementById(id);

function bytesText(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (bytes >= 1024 && unit + 1 < units.length) { bytes /= 1024; ++unit; }
  return (unit ? bytes.toFixed(bytes < 10 ? 2 : 1) : bytes) + ' ' + units[unit];
}
function timeText(seconds) {
  if (!seconds) return '';
  return seconds >= 1 ? seconds.toPrecision(3) + ' s' : seconds >= 1e-3 ? (seconds * 1e3).toPrecision(3) + ' ms'
       : seconds >= 1e-6 ? (seconds * 1e6).toPrecision(3) + ' µs' : (seconds * 1e9).toFixed(0) + ' ns';
}
function countText(count) {
  const units = ['', ' K', ' M', ' G', ' T', ' P'];
  let unit = 0;
  while (count >= 1000 && unit + 1 < units.length) { count /= 1000; ++unit; }
  return (unit ? count.toFixed(1) : count) + units[unit];
}
const percent = share => share && share < 0.0005 ? '<0.1 %' : (100 * share).toFixed(share < 0.1 ? 1 : 0) + ' %';

// Kernels, with what was measured of them.
const kernels = list(ledger.kernels).map((kernel, index) => ({
  ...kernel, index, work: Math.max(kernel.estimate || 0, kernel.work || 0), predicted: kernel.seconds || 0,
  measured: (data.measured || {})[kernel.kernel] || 0, notes: [],
}));
const kernelOf = new Map(kernels.map(kernel => [kernel.kernel, kernel]));
const isMeasured = kernels.some(kernel => kernel.measured);
const isPredicted = kernels.length > 0 && kernels.every(kernel => kernel.predicted);
/** What a kernel costs, in whatever is known of all of them. */
const costName = isMeasured ? 'measured time' : isPredicted ? 'predicted time' : 'operations';
const costOf = kernel => isMeasured ? kernel.measured : isPredicted ? kernel.predicted : kernel.work;
const costText = cost => isMeasured || isPredicted ? timeText(cost) : countText(cost);
const totalCost = kernels.reduce((sum, kernel) => sum + costOf(kernel), 0);

// ONNX nodes.
const nodes = list(ledger.nodes).map((node, index) => {
  const own = list(node.kernels).map(name => kernelOf.get(name)).filter(Boolean);
  const main = own.reduce((best, kernel) => !best || costOf(kernel) > costOf(best) ? kernel : best, null);
  return {
    index, name: node.node, op: node.operator, became: node.became, kernels: own, main,
    device: main ? main.device : '', format: main ? main.precision : '', users: [], notes: [],
    inputs: list(node.inputs).filter(from => from < index), cost: main ? costOf(main) : 0,
  };
});
for (const node of nodes) for (const from of node.inputs) if (from >= 0) nodes[from].users.push(node.index);
const nodeOf = new Map(nodes.map(node => [node.name, node]));
const notes = list(ledger.notes);
for (const note of notes) {
  for (const name of list(note.nodes)) if (nodeOf.has(name) && !nodeOf.get(name).notes.includes(note)) nodeOf.get(name).notes.push(note);
  for (const name of list(note.kernels)) if (kernelOf.has(name)) kernelOf.get(name).notes.push(note);
}

// Colours that remain apart for colour-blind eyes, the host's first.
const palette = ['#4a90c4', '#e69f00', '#2a9d78', '#c46aa5', '#d1651f', '#7a6fd0', '#8c8c2b', '#56b4e9', '#b04a4a', '#5f8a5f'];
const grey = '#9aa3a7';
function colouring(values) {
  const counts = new Map();
  for (const value of values) if (value) counts.set(value, (counts.get(value) || 0) + 1);
  const order = [...counts].sort((a, b) => b[1] - a[1]).map(([value]) => value);
  return new Map(order.map((value, i) => [value, i < palette.length ? palette[i] : grey]));
}
const devices = [...new Set(kernels.map(kernel => kernel.device))].filter(Boolean);
devices.sort((a, b) => (b === 'host') - (a === 'host'));
const deviceColour = new Map(devices.map((device, i) => [device, palette[i % palette.length]]));
const hasDevices = devices.length > 1 || list(data.devices).length > 0;

// The node that all parts of the page show.
const listeners = [];
let selected = null;
function select(node, from) {
  selected = node;
  for (const listener of listeners) listener(node, from);
}
