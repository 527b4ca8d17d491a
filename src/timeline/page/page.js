'use strict';
(() => {
  const D = JSON.parse(document.getElementById('data').textContent);
  const T = D.texts, E = D.events, S = D.sessions, LANES = D.lanes;
  const AT = 0, SESSION = 1, LANE = 2, CALL = 3, ACCOUNT = 4, IP = 5, AGENT = 6, TARGET = 7, ERROR = 8, WHY = 9, GAVE = 10, OTHER = 11, ARN = 12, KEY = 13, ID = 15, REGION = 16;
  const $ = id => document.getElementById(id);
  const svgNamespace = (() => { const t = document.createElement('template'); t.innerHTML = '<svg></svg>'; return t.content.firstChild.namespaceURI; })();

  // Everything from the logs becomes text here, never markup.
  const make = (name, attributes, ...children) => {
    const el = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key === 'on') for (const [event, run] of Object.entries(value)) el.addEventListener(event, run);
      else if (value !== null && value !== undefined) el.setAttribute(key, value);
    }
    for (const child of children) if (child !== null && child !== undefined) el.append(child);
    return el;
  };
  const draw = (name, attributes, ...children) => {
    const el = document.createElementNS(svgNamespace, name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key === 'on') for (const [event, run] of Object.entries(value)) el.addEventListener(event, run);
      else if (value !== null && value !== undefined) el.setAttribute(key, value);
    }
    for (const child of children) if (child !== null && child !== undefined) el.append(child);
    return el;
  };
  const ACTS = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
  const plain = text => String(text).replace(ACTS, c => '\\u{' + c.codePointAt(0).toString(16) + '}');
  const stamp = seconds => seconds === null || seconds === undefined ? '' : new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
  const span = seconds => {
    const s = Math.abs(Math.round(seconds)), sign = seconds < 0 ? '-' : '+';
    if (s < 60) return sign + s + 's';
    if (s < 3600) return sign + Math.floor(s / 60) + 'm' + String(s % 60).padStart(2, '0');
    if (s < 86400) return sign + Math.floor(s / 3600) + 'h' + String(Math.floor(s / 60) % 60).padStart(2, '0');
    return sign + Math.floor(s / 86400) + 'd' + Math.floor(s / 3600) % 24 + 'h';
  };
  const actor = event => {
    const s = S[event[SESSION]];
    return s ? s.who + ' ▸ ' + s.what : T[event[ARN]];
  };

  // --- what is wanted: one state, kept in the address so that it can be passed on -----------------------------------
  const EMPTY = { q: '', session: '', address: '', from: '', to: '', only: '', fold: '1', off: '', event: '' };
  let state = { ...EMPTY };
  const readHash = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    state = { ...EMPTY };
    for (const key of Object.keys(EMPTY)) if (given.has(key)) state[key] = given.get(key);
  };
  const writeHash = () => {
    const kept = new URLSearchParams();
    for (const [key, value] of Object.entries(state)) if (value !== EMPTY[key]) kept.set(key, value);
    const text = kept.toString();
    if (text !== location.hash.slice(1)) history.replaceState(null, '', '#' + text);
  };
  const moment = text => { const t = Date.parse(text.trim()); return Number.isNaN(t) ? null : t / 1000; };

  const below = S.map(() => []);
  S.forEach((s, at) => { if (s.parent >= 0) below[s.parent].push(at); });
  D.made.forEach(made => { if (made.by >= 0) for (const to of made.gave) if (to >= 0 && S[to].parent < 0) below[made.by].push(to); });
  const above = S.map(() => []);
  below.forEach((list, at) => list.forEach(to => above[to].push(at)));
  const reach = (at, links) => {
    const seen = new Set([at]), open = [at];
    while (open.length) for (const next of links[open.pop()]) if (!seen.has(next)) { seen.add(next); open.push(next); }
    return seen;
  };
  const byId = new Map(S.map((s, at) => [s.id, at]));

  // --- filtering -----------------------------------------------------------------------------------------------------
  const hay = new Array(E.length);
  const words = at => hay[at] ||= [actor(E[at]), T[E[at][CALL]], T[E[at][ACCOUNT]], T[E[at][IP]], T[E[at][AGENT]], T[E[at][TARGET]], T[E[at][ERROR]], T[E[at][WHY]], T[E[at][KEY]], E[at][ID], (S[E[at][SESSION]] || {}).id || ''].join('\n').toLowerCase();
  let shown = [], lines = [];
  const filter = () => {
    const q = state.q.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const session = byId.has(state.session) ? byId.get(state.session) : -1;
    const from = moment(state.from), to = moment(state.to), off = new Set(state.off.split(',').filter(Boolean));
    const lanes = LANES.map(lane => !off.has(lane));
    shown = [];
    for (let at = 0; at < E.length; at++) {
      const e = E[at];
      if (!lanes[e[LANE]] || state.only && !e[OTHER]) continue;
      if (session >= 0 && e[SESSION] !== session && e[GAVE] !== session) continue;
      if (state.address && T[e[IP]] !== state.address) continue;
      if (from !== null && e[AT] < from || to !== null && e[AT] > to) continue;
      if (q.length && !q.every(word => words(at).includes(word))) continue;
      shown.push(at);
    }
    lines = [];
    for (const at of shown) {
      const last = lines[lines.length - 1], e = E[at];
      if (state.fold && last) {
        const f = E[last.at];
        if (f[SESSION] === e[SESSION] && f[CALL] === e[CALL] && f[IP] === e[IP] && f[LANE] === e[LANE] && f[ERROR] === e[ERROR] && f[OTHER] === e[OTHER] && e[GAVE] < 0 && f[GAVE] < 0 && (f[WHY] === e[WHY] || !T[e[WHY]])) {
          last.n++; last.end = at;
          continue;
        }
      }
      lines.push({ at, n: 1, end: at });
    }
  };

  // --- the timeline: only the rows in sight exist ---------------------------------------------------------------------
  const HEIGHT = 26, rows = $('rows'), view = $('view'), space = $('space');
  let cursor = 0;
  const cell = (text, kind) => make('span', { class: kind || null, role: 'gridcell', title: text.length > 18 ? plain(text) : null }, plain(text));
  const head = () => make('div', { class: 'row head', role: 'row' }, ...['time (UTC)', '+Δ', 'lane', 'who', 'account', 'address', 'call', 'on', 'result', 'why'].map(text => make('span', { role: 'columnheader' }, text)));
  const line = place => {
    const l = lines[place], e = E[l.at], before = place ? e[AT] - E[lines[place - 1].at][AT] : 0;
    const row = make('div', { class: 'row' + (e[OTHER] ? ' hers' : '') + (place === cursor ? ' now-at' : ''), role: 'row', 'aria-rowindex': place + 2, 'aria-selected': place === cursor, 'data-line': place });
    const lane = cell(LANES[e[LANE]], 'lane lane-' + LANES[e[LANE]]);
    row.append(cell(stamp(e[AT]), 'num'), cell(place ? span(before) : '', 'num'), lane, cell(actor(e)), cell(T[e[ACCOUNT]], 'num'), cell(T[e[IP]], 'num'),
      cell(T[e[CALL]] + (l.n > 1 ? ' ×' + l.n + ', to ' + stamp(E[l.end][AT]).slice(11) : '')), cell(T[e[TARGET]]), cell(T[e[ERROR]] || (e[LANE] === LANES.indexOf('expire') ? '' : 'ok')), cell(T[e[WHY]]));
    return row;
  };
  let printing = false, painted = [0, 0];
  const paint = scrolled => {
    if (printing) return;
    const top = Math.floor(rows.scrollTop / HEIGHT), end = Math.min(lines.length, top + Math.ceil(rows.clientHeight / HEIGHT) + 2);
    // While everything in sight is there, rows stay: a click that is under way must not lose its row.
    if (scrolled && top >= painted[0] && end <= painted[1]) return;
    space.style.height = (lines.length + 1) * HEIGHT + 'px';
    const first = Math.max(0, top - 12), last = Math.min(lines.length, end + 12);
    const part = document.createDocumentFragment();
    for (let place = first; place < last; place++) part.append(line(place));
    painted = [first, last];
    view.replaceChildren(part);
    view.style.transform = 'translateY(' + (first + 1) * HEIGHT + 'px)';
  };
  const header = head();
  rows.insertBefore(header, rows.firstChild);
  let waiting = false;
  rows.addEventListener('scroll', () => { if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; paint(true); }); } });
  const reveal = () => {
    const top = cursor * HEIGHT, room = rows.clientHeight - 2 * HEIGHT;
    if (top < rows.scrollTop) rows.scrollTop = top;
    else if (top > rows.scrollTop + room) rows.scrollTop = top - room;
  };
  const go = place => { cursor = Math.max(0, Math.min(lines.length - 1, place)); reveal(); paint(); };
  rows.addEventListener('keydown', event => {
    const page = Math.max(1, Math.floor(rows.clientHeight / HEIGHT) - 2);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -lines.length, End: lines.length }[event.key];
    if (step) { event.preventDefault(); go(cursor + step); }
    else if (event.key === 'Enter' && lines[cursor]) { event.preventDefault(); open(lines[cursor].at); }
    else if (event.key === 'Escape') close();
  });
  view.addEventListener('click', event => {
    const row = event.target.closest('.row');
    if (!row) return;
    go(Number(row.dataset.line));
    open(lines[cursor].at);
  });

  // --- one event, its record on demand ----------------------------------------------------------------------------------
  const detail = $('detail'), blocks = [...document.querySelectorAll('template.raw')], unpacked = new Map();
  const record = async at => {
    const number = Math.floor(at / D.block);
    if (!blocks[number]) return null;
    if (!unpacked.has(number)) {
      const bytes = Uint8Array.from(atob(blocks[number].content.textContent.trim()), c => c.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
      unpacked.set(number, JSON.parse(await new Response(stream).text()));
    }
    return unpacked.get(number)[at % D.block];
  };
  const close = () => { detail.hidden = true; state.event = ''; writeHash(); };
  const open = at => {
    const e = E[at], s = S[e[SESSION]], g = S[e[GAVE]];
    state.event = e[ID];
    writeHash();
    const list = make('dl');
    const put = (name, text) => { if (text) list.append(make('dt', {}, name), make('dd', {}, plain(text))); };
    put('time', stamp(e[AT])); put('call', T[e[CALL]]); put('on', T[e[TARGET]]); put('result', T[e[ERROR]] || 'ok'); put('why', T[e[WHY]]);
    put('who', actor(e)); put('caller', T[e[ARN]]); put('key', T[e[KEY]]); put('session', s && s.id + ', ' + s.what + ' in ' + s.account + (s.why ? ' (' + s.how + ': ' + s.why + ')' : ''));
    put('gave', g && g.id + ', ' + g.what + ' in ' + g.account); put('from', T[e[IP]]); put('program', T[e[AGENT]]); put('account, region', T[e[ACCOUNT]] + (T[e[REGION]] ? ', ' + T[e[REGION]] : '')); put('event', e[ID]);
    const raw = make('pre', { hidden: '', tabindex: '0', 'aria-label': 'Record' });
    const more = make('button', { type: 'button', id: 'raw', on: { click: async () => {
      const found = await record(at);
      raw.textContent = found ? plain(JSON.stringify(found, null, 2)).replaceAll('\\u{a}', '\n') : 'The record is not in this page; timeline.jsonl has it unless the case was redacted.';
      raw.hidden = false;
    } } }, 'Show record');
    const buttons = make('p', {}, more,
      s ? make('button', { type: 'button', on: { click: () => set({ session: s.id }) } }, 'Only this session') : null,
      T[e[IP]] ? make('button', { type: 'button', on: { click: () => set({ address: T[e[IP]] }) } }, 'Only this address') : null,
      make('button', { type: 'button', on: { click: close } }, 'Close'), make('a', { href: '#' + new URLSearchParams({ event: e[ID] }) }, 'Link to this event'));
    detail.replaceChildren(list, buttons, raw);
    detail.hidden = false;
  };

  // --- the graph ----------------------------------------------------------------------------------------------------------
  const nodes = [], edges = [];
  const buildGraph = () => {
    const many = S.length > 60, groups = new Map();
    S.forEach((s, at) => {
      const key = many ? [s.what, s.account, s.party, s.parent < 0 ? s.who : depth(at)].join('|') : s.id;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(at);
    });
    const kept = [...groups.values()].sort((a, b) => Math.max(...b.map(i => S[i].departure)) - Math.max(...a.map(i => S[i].departure))).slice(0, 60);
    const of = new Map();
    const add = node => { nodes.push(node); return node; };
    const origins = new Map();
    for (const members of kept) {
      const s = S[members[0]], n = add({ kind: 'session', members, column: depth(members[0]) + 1, account: s.account || '?', title: s.what + (members.length > 1 ? ' ×' + members.length : ''), sub: members.length > 1 ? members.length + ' sessions' : s.id, party: s.party, order: s.issued || s.first || 0 });
      members.forEach(i => of.set(i, n));
    }
    const link = (from, to, kind) => { if (from && to && from !== to && !edges.some(e => e.from === from && e.to === to && e.kind === kind)) edges.push({ from, to, kind }); };
    for (const [at, n] of of) {
      const s = S[at];
      if (s.parent >= 0) { link(of.get(s.parent), n, 'assumed'); continue; }
      if (!origins.has(s.who)) origins.set(s.who, add({ kind: 'origin', members: [], column: 0, account: '', title: s.who, sub: s.origin_type.replaceAll('_', ' '), order: s.issued || 0 }));
      const origin = origins.get(s.who);
      origin.members.push(at);
      link(origin, n, 'assumed');
    }
    D.made.slice(0, 40).forEach(made => {
      const from = of.get(made.by), to = made.gave.map(i => of.get(i)).filter(Boolean);
      if (!from && !to.length) return;
      const n = add({ kind: 'thing', members: made.by >= 0 ? [made.by] : [], column: (from ? from.column : 0) + 1, account: 'made or changed', title: made.what, sub: made.call, order: made.at });
      if (from) link(from, n, 'made');
      to.forEach(t => link(n, t, 'made'));
    });
    D.pivots.slice(0, 30).forEach(pivot => {
      const users = [...of].filter(([at]) => S[at].ips.includes(pivot.ip) || S[at].other.includes(pivot.ip)).map(([, n]) => n);
      if (!users.length) return;
      const n = add({ kind: 'address', members: [], ip: pivot.ip, column: 0, account: '', title: pivot.ip, sub: 'address', party: 'other', order: 1e12 });
      new Set(users).forEach(u => link(n, u, 'used'));
    });
  };
  const depth = at => { let d = 0, i = at; while (S[i].parent >= 0 && d < 64) { i = S[i].parent; d++; } return d; };
  const fit = (text, most) => { const t = plain(text); return t.length > most ? t.slice(0, most - 1) + '…' : t; };
  const press = run => ({ click: run, keydown: event => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); run(); } } });
  const drawGraph = () => {
    buildGraph();
    const W = 218, H = 40, GX = 86, GY = 10, PAD = 18;
    const columns = new Map();
    nodes.forEach(n => { if (!columns.has(n.column)) columns.set(n.column, []); columns.get(n.column).push(n); });
    const svg = draw('svg', { role: 'group', 'aria-label': 'Chain of sessions, accounts as boxes' }), back = draw('g'), wires = draw('g'), front = draw('g');
    let width = 0, height = 0;
    for (const [column, list] of [...columns].sort((a, b) => a[0] - b[0])) {
      const x = PAD + column * (W + GX);
      const boxes = new Map();
      list.sort((a, b) => a.order - b.order).forEach(n => { if (!boxes.has(n.account)) boxes.set(n.account, []); boxes.get(n.account).push(n); });
      let y = PAD;
      for (const [account, members] of boxes) {
        const top = y;
        if (account) y += 20;
        for (const n of members) { n.x = x; n.y = y; y += H + GY; }
        if (account) {
          back.append(draw('rect', { class: 'box', x: x - 10, y: top, width: W + 20, height: y - top, rx: 8 }), draw('text', { class: 'soft', x: x - 2, y: top + 14 }, fit(account, 30)));
          y += 6;
        }
        y += 8;
      }
      width = Math.max(width, x + W + PAD + 10); height = Math.max(height, y + PAD);
    }
    for (const e of edges) {
      const back = e.to.x <= e.from.x, x1 = e.from.x + (back ? 0 : W), y1 = e.from.y + H / 2, x2 = e.to.x, y2 = e.to.y + H / 2, mid = Math.max(30, Math.abs(x2 - x1) / 2);
      e.el = draw('path', { class: 'edge ' + e.kind, d: 'M' + x1 + ' ' + y1 + ' C' + (x1 + (back ? -mid : mid)) + ' ' + y1 + ' ' + (x2 - mid) + ' ' + y2 + ' ' + x2 + ' ' + y2 });
      wires.append(e.el);
    }
    for (const n of nodes) {
      const run = () => n.kind === 'address' ? set({ address: state.address === n.ip ? '' : n.ip }) : n.members.length && set({ session: state.session === S[n.members[0]].id ? '' : S[n.members[0]].id });
      n.el = draw('g', { class: 'node ' + n.kind + ' ' + (n.party || ''), tabindex: 0, role: 'button', 'aria-label': plain(n.title + ', ' + n.sub), transform: 'translate(' + n.x + ' ' + n.y + ')', on: press(run) },
        draw('rect', { width: W, height: H, rx: 5 }), draw('text', { x: 8, y: 16 }, fit(n.title, 28)), draw('text', { class: 'soft', x: 8, y: 32 }, fit(n.sub, 28)), draw('title', {}, plain(n.title + '\n' + n.sub)));
      front.append(n.el);
    }
    svg.setAttribute('width', width); svg.setAttribute('height', height); svg.setAttribute('viewBox', '0 0 ' + width + ' ' + height);
    svg.append(back, wires, front);
    $('graph').replaceChildren(svg);
  };

  // --- the sessions in time --------------------------------------------------------------------------------------------------
  const bars = [];
  const drawGantt = () => {
    const list = S.map((s, at) => at).filter(at => (S[at].issued || S[at].first) !== null).sort((a, b) => S[b].departure - S[a].departure || (S[a].issued || S[a].first) - (S[b].issued || S[b].first)).slice(0, 200).sort((a, b) => (S[a].issued || S[a].first) - (S[b].issued || S[b].first));
    if (!list.length) return;
    const begin = Math.min(...list.map(at => S[at].issued ?? S[at].first)), end = Math.max(D.at, ...list.map(at => Math.max(S[at].last || 0, Math.min(S[at].until || 0, (S[at].last || S[at].issued || 0) + 43200))));
    const LEFT = 330, WIDTH = 860, ROW = 20, TOP = 26, scale = t => LEFT + (Math.max(begin, Math.min(end, t)) - begin) / Math.max(1, end - begin) * WIDTH;
    const svg = draw('svg', { width: LEFT + WIDTH + 30, height: TOP + list.length * ROW + 12, viewBox: '0 0 ' + (LEFT + WIDTH + 30) + ' ' + (TOP + list.length * ROW + 12), role: 'group', 'aria-label': 'Sessions from issue to expiry' });
    for (let i = 0; i <= 4; i++) {
      const t = begin + (end - begin) * i / 4, x = scale(t);
      svg.append(draw('line', { class: 'axis', x1: x, x2: x, y1: TOP - 6, y2: TOP + list.length * ROW }), draw('text', { class: 'soft', x, y: 14, 'text-anchor': i === 4 ? 'end' : i ? 'middle' : 'start' }, stamp(t).slice(5, 16).replace('T', ' ')));
    }
    const marks = new Map(list.map(at => [at, { writes: new Set(), denied: new Set() }]));
    const writing = new Set(['write', 'persist', 'evade'].map(lane => LANES.indexOf(lane))), deny = LANES.indexOf('deny');
    for (const e of E) {
      const m = marks.get(e[SESSION]);
      if (!m) continue;
      if (writing.has(e[LANE])) m.writes.add(Math.round(scale(e[AT])));
      else if (e[LANE] === deny) m.denied.add(Math.round(scale(e[AT])));
    }
    list.forEach((at, place) => {
      const s = S[at], y = TOP + place * ROW, x1 = scale(s.issued ?? s.first), x2 = scale(s.until ?? s.last ?? s.issued), m = marks.get(at);
      const bar = draw('g', { class: 'bar ' + (s.party || ''), tabindex: 0, role: 'button', 'aria-label': plain(s.what + ' ' + s.id), on: press(() => set({ session: state.session === s.id ? '' : s.id })) },
        draw('text', { x: 8, y: y + 13 }, fit(s.what + ' · ' + s.id, 46)), draw('rect', { class: 'life', x: x1, y: y + 6, width: Math.max(2, x2 - x1), height: 6, rx: 2 }),
        s.first !== null ? draw('rect', { class: 'use', x: scale(s.first), y: y + 3, width: Math.max(3, scale(s.last) - scale(s.first)), height: 12, rx: 2 }) : null,
        draw('title', {}, plain([s.what + ' in ' + s.account, s.id, 'issued ' + stamp(s.issued), 'until ' + stamp(s.until), s.calls + ' calls'].join('\n'))));
      for (const x of m.writes) bar.append(draw('circle', { class: 'dot', cx: x, cy: y + 9, r: 3 }));
      for (const x of m.denied) bar.append(draw('line', { class: 'tick-deny', x1: x, x2: x, y1: y + 2, y2: y + 16 }));
      if (s.split) bar.append(draw('line', { class: 'split', x1: scale(s.split), x2: scale(s.split), y1: y, y2: y + 18 }));
      bars.push({ at, el: bar });
      svg.append(bar);
    });
    const x = scale(D.at);
    svg.append(draw('line', { class: 'now', x1: x, x2: x, y1: TOP - 8, y2: TOP + list.length * ROW }));
    $('gantt').replaceChildren(svg);
  };

  // --- filters act on the graph, the chart and the table together -----------------------------------------------------------
  const light = () => {
    const here = new Set(), addresses = new Set();
    for (const at of shown) { if (E[at][SESSION] >= 0) here.add(E[at][SESSION]); if (E[at][GAVE] >= 0) here.add(E[at][GAVE]); addresses.add(T[E[at][IP]]); }
    const session = byId.get(state.session);
    const path = session === undefined ? null : new Set([...reach(session, above), ...reach(session, below)]);
    const filtered = shown.length !== E.length;
    for (const n of nodes) {
      const on = path ? n.members.some(at => path.has(at)) || n.kind === 'address' && S[session].ips.includes(n.ip) : n.kind === 'address' ? addresses.has(n.ip) : n.members.some(at => here.has(at));
      n.on = on;
      n.el.classList.toggle('dim', filtered && !on);
      n.el.classList.toggle('path', Boolean(path) && on);
    }
    for (const e of edges) {
      e.el.classList.toggle('dim', filtered && !(e.from.on && e.to.on));
      e.el.classList.toggle('path', Boolean(path) && e.from.on && e.to.on);
    }
    for (const b of bars) b.el.classList.toggle('dim', filtered && !(path ? path.has(b.at) : here.has(b.at)));
  };
  const controls = ['search', 'session', 'address', 'from', 'to'];
  const fieldOf = { search: 'q', session: 'session', address: 'address', from: 'from', to: 'to' };
  const show = () => {
    for (const id of controls) if ($(id).value !== state[fieldOf[id]]) $(id).value = state[fieldOf[id]];
    $('only').checked = Boolean(state.only);
    $('fold').checked = Boolean(state.fold);
    const off = new Set(state.off.split(','));
    for (const box of document.querySelectorAll('#lanes input')) box.checked = !off.has(box.value);
    filter();
    cursor = Math.max(0, lines.findIndex(l => E[l.at][ID] === state.event));
    $('count').textContent = shown.length.toLocaleString('en') + ' of ' + E.length.toLocaleString('en') + ' events' + (lines.length !== shown.length ? ', ' + lines.length.toLocaleString('en') + ' rows' : '');
    light();
    reveal();
    paint();
  };
  const set = change => { Object.assign(state, change); if (!('event' in change)) { state.event = ''; detail.hidden = true; } writeHash(); show(); };
  let typing = 0;
  $('search').addEventListener('input', () => { clearTimeout(typing); typing = setTimeout(() => set({ q: $('search').value }), 120); });
  for (const id of ['session', 'address', 'from', 'to']) $(id).addEventListener('change', () => set({ [fieldOf[id]]: $(id).value }));
  $('only').addEventListener('change', () => set({ only: $('only').checked ? '1' : '' }));
  $('fold').addEventListener('change', () => set({ fold: $('fold').checked ? '1' : '' }));
  $('clear').addEventListener('click', () => set({ ...EMPTY }));
  document.addEventListener('keydown', event => {
    if (event.key === '/' && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); $('search').focus(); }
  });
  addEventListener('hashchange', () => { readHash(); show(); openNamed(); });
  addEventListener('resize', () => paint());
  const PRINTED = 3000;
  addEventListener('beforeprint', () => {
    printing = true;
    const part = document.createDocumentFragment();
    for (let place = 0; place < Math.min(lines.length, PRINTED); place++) part.append(line(place));
    if (lines.length > PRINTED) part.append(make('p', {}, (lines.length - PRINTED).toLocaleString('en') + ' more rows are in timeline.csv'));
    view.replaceChildren(part);
  });
  addEventListener('afterprint', () => { printing = false; paint(); });
  const openNamed = () => { const at = state.event ? E.findIndex(e => e[ID] === state.event) : -1; if (at >= 0) open(at); };

  // --- the first sight ----------------------------------------------------------------------------------------------------------
  $('verdict').append(plain(D.verdict.sentence) + ' ', make('b', {}, 'Confidence: ' + D.verdict.confidence), ' (' + plain(D.verdict.because) + ').');
  $('meta').textContent = D.anchors.map(a => plain(a.text) + ' (' + plain(a.words) + ')').join(', ') + ' · ' + stamp(D.from) + ' to ' + stamp(D.to) + ' · "valid" refers to ' + stamp(D.at) + (D.left_out ? ' · ' + D.left_out + ' sessions left out, since nothing speaks against them' : '') + (D.since ? ' · ' + D.since.map(plain).join('; ') : '') + ' · rolecall ' + D.version;
  for (const [what, n] of D.reach) $('reach').append(make('li', {}, make('b', {}, n.toLocaleString('en')), ' ' + what));
  const choice = (id, list) => { $(id).append(make('option', { value: '' }, 'all'), ...list.map(([value, text]) => make('option', { value }, fit(text, 70)))); };
  choice('session', S.map(s => [s.id, s.id + ' ' + s.what + (s.party && s.party !== 'owner' ? ' ◀' : '')]));
  choice('address', [...new Set(E.map(e => T[e[IP]]))].filter(Boolean).sort().map(ip => [ip, ip]));
  LANES.forEach(lane => $('lanes').append(make('label', { class: 'lane-' + lane }, make('input', { type: 'checkbox', value: lane, checked: '', on: { change: () => set({ off: [...document.querySelectorAll('#lanes input')].filter(box => !box.checked).map(box => box.value).join(',') }) } }), lane)));
  $('h-steps').textContent = D.todo;
  for (const step of D.steps) {
    const item = make('li', {}, make('b', {}, plain(step.title)), make('div', { class: 'note' }, 'Not reached: ' + plain(step.misses) + '.' + (step.innocent === null ? '' : ' Cuts ' + step.innocent + ' innocent session' + (step.innocent === 1 ? '' : 's') + '.')));
    for (const text of [...step.commands, step.policy].filter(Boolean)) item.append(make('pre', {}, plain(text)));
    $('steps').append(item);
  }
  if (!D.steps.length) $('steps').replaceWith(make('p', {}, 'Nothing here is in strange hands.'));
  for (const text of D.evidence) $('evidence').append(make('li', {}, plain(text)));
  for (const text of D.blind) $('blind').append(make('li', {}, plain(text)));
  drawGraph();
  drawGantt();
  readHash();
  show();
  openNamed();
})();
