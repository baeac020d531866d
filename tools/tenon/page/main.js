// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The parts of the page, one of which is shown; the address names it.
const tabs = [['summary', 'Summary'], ['graph', 'Graph'], ['nodes', 'Nodes'], ['memory', 'Memory'], ['transfers', 'Transfers']]
  .filter(([id]) => id !== 'transfers' || hasDevices);
function showTab(id) {
  for (const [other] of tabs) {
    byId(other).classList.toggle('shown', other === id);
    byId('tab-' + other).setAttribute('aria-selected', String(other === id));
  }
  if (location.hash !== '#' + id) history.replaceState(null, '', '#' + id);
}
document.title = (data.file || 'model') + ' – Tenon';
byId('title').textContent = data.file || 'A model';
byId('title').title = data.file || '';
byId('tabs').append(...tabs.map(([id, title]) => element('button', { id: 'tab-' + id, role: 'tab', onclick: () => showTab(id) }, title)));
makeSummary();
makeTable();
makeMemory();
makeTransfers();
makeDetail();
makeGraph();
const wanted = () => tabs.some(([id]) => '#' + id === location.hash) ? location.hash.slice(1) : 'summary';
window.addEventListener('hashchange', () => showTab(wanted()));
showTab(wanted());
