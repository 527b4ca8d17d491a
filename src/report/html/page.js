'use strict';
(() => {
  const $ = id => document.getElementById(id);
  const items = [...document.querySelectorAll('.item')];
  const findings = items.filter(item => item.dataset.severity && item.tagName !== 'TR');
  // A card's own words: the findings below it have theirs.
  const own = item => {
    const copy = item.cloneNode(true);
    for (const below of copy.querySelectorAll('.also')) below.remove();
    return copy.textContent.toLowerCase();
  };
  const words = new Map(items.map(item => [item, own(item)]));
  const boxes = [...document.querySelectorAll('#severities input')];
  const search = $('search'), fold = $('fold'), count = $('count');
  $('filters').hidden = false;

  const filter = () => {
    const wanted = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const off = new Set(boxes.filter(box => !box.checked).map(box => box.value));
    let shown = 0;
    for (const item of items) {
      const text = words.get(item);
      item.hidden = off.has(item.dataset.severity) || !wanted.every(word => text.includes(word));
      if (!item.hidden && findings.includes(item)) shown++;
    }
    // A card stays for the findings below it that are looked for.
    for (const card of document.querySelectorAll('.card.item[hidden]')) {
      if (card.querySelector('.also .item:not([hidden])')) card.hidden = false;
    }
    count.textContent = shown + ' of ' + findings.length + (findings.length === 1 ? ' finding' : ' findings');
    const kept = new URLSearchParams();
    if (search.value) kept.set('q', search.value);
    if (off.size) kept.set('off', [...off].join(','));
    const text = kept.toString();
    if (text !== location.hash.slice(1) && (text || /^#(q|off)=/.test(location.hash))) history.replaceState(null, '', '#' + text);
  };
  const restore = () => {
    if (!/^#(q|off)=/.test(location.hash)) return;
    const given = new URLSearchParams(location.hash.slice(1)), off = (given.get('off') || '').split(',');
    search.value = given.get('q') || '';
    for (const box of boxes) box.checked = !off.includes(box.value);
  };
  search.addEventListener('input', filter);
  for (const box of boxes) box.addEventListener('change', filter);
  addEventListener('hashchange', () => { restore(); filter(); });

  const all = () => [...document.querySelectorAll('details')];
  fold.addEventListener('click', () => {
    const open = fold.getAttribute('aria-pressed') !== 'true';
    for (const one of all()) one.open = open;
    fold.setAttribute('aria-pressed', open);
    fold.textContent = open ? 'Fold all' : 'Unfold all';
  });
  // On paper everything is unfolded.
  let closed = [];
  addEventListener('beforeprint', () => { closed = all().filter(one => !one.open); for (const one of closed) one.open = true; });
  addEventListener('afterprint', () => { for (const one of closed) one.open = false; });
  addEventListener('keydown', event => {
    if (event.key === '/' && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); search.focus(); }
    if (event.key === 'Escape' && document.activeElement === search) { search.value = ''; filter(); }
  });
  restore();
  filter();
})();
