// Draws those parts of a result that it has. Every plot: a title, one sentence that says how to read it, and axes with units.
'use strict';

const result = JSON.parse(document.getElementById('result').textContent);

const INTROS = {
  quality: 'How good the suggestions of a code-completion engine are. It was asked to continue real source files that it had never seen, and what it ' +
    'suggested is compared with what the files really say.',
  latency: 'How long a person who types waits for suggestions. Typing was replayed key by key through a language server, as an editor does, and each ' +
    'answer was timed.',
  decode: 'How fast the engine writes text on this machine, against what the machine could do at best.',
};

// ---- values and words ----

const percent = (share) => 100 * share;
const known = (list) => (list ?? []).filter((value) => typeof value === 'number');
const sum = (list) => list.reduce((total, value) => total + value, 0);

function quantile(list, q) {
  const sorted = [...list].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)];
  return below + (sorted[Math.ceil(at)] - below) * (at - Math.floor(at));
}

function number(value) {
  if (typeof value !== 'number') return '–';
  if (Number.isInteger(value)) return value.toLocaleString('en');
  return value.toLocaleString('en', Math.abs(value) >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 });
}

const withUnit = (value, unit) =>
  typeof value !== 'number' ? '–' : unit === 'share' ? `${percent(value).toFixed(1)} %` : `${number(value)} ${unit}`;

function element(tag, text, parent) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  parent?.append(made);
  return made;
}

// ---- plots: each function returns nothing where the result has no such part ----

const axis = (title, more = {}) => ({ title: { display: true, text: title }, ...more });
const percentAxis = (title, more = {}) => axis(title, { min: 0, max: 100, ticks: { callback: (value) => `${value} %` }, ...more });

/** Share of keys that are answered within x milliseconds. */
function answeredWithin(keys, times) {
  const all = keys.flatMap((key) => known(key[times])).sort((a, b) => a - b);
  const n_points = Math.min(all.length, 300);
  return Array.from({ length: n_points }, (_, i) => {
    const at = Math.ceil(((i + 1) * all.length) / n_points) - 1;
    return { x: Math.max(all[at], 0.1), y: percent((at + 1) / all.length) };
  });
}

function latency() {
  const keys = (result.keys ?? []).filter((key) => key.outcome === 'text');
  if (keys.length === 0) return undefined;
  const computed = keys.filter((key) => !key.from_memory);
  const lines = [
    { label: 'first characters', data: answeredWithin(computed, 'first_ms'), color: 3 },
    { label: 'whole suggestion', data: answeredWithin(computed, 'whole_ms'), color: 1 },
    { label: 'suggestion that is being typed along', data: answeredWithin(keys.filter((key) => key.from_memory), 'whole_ms'), color: 2 },
  ].filter((line) => line.data.length > 0);
  return {
    title: 'How soon a suggestion is there',
    text: 'After a key, the share of suggestions that had arrived within so many milliseconds; a line further left is faster.',
    type: 'line',
    lines: lines.map((line) => ({ ...line, pointRadius: 0, stepped: 'before' })),
    scales: { x: axis('milliseconds after the key (each step to the right: longer)', { type: 'logarithmic' }), y: percentAxis('suggestions that are there') },
  };
}

const STAGES = { context: 'gather context', syntax: 'parse', prefill: 'read the text', decode: 'write the suggestion', rest: 'everything else' };

function stages() {
  const names = Object.keys(result.stages_ms ?? {}).sort((a, b) => Object.keys(STAGES).indexOf(a) - Object.keys(STAGES).indexOf(b));
  const times = names.map((name) => [name, result.stages_ms[name]]).filter(([, ms]) => typeof ms === 'number');
  if (times.length === 0) return undefined;
  return {
    title: 'Where the time goes',
    text: 'The median milliseconds that each stage takes of a suggestion that has to be computed.',
    type: 'bar',
    labels: times.map(([name]) => STAGES[name] ?? name),
    lines: [{ label: 'median', data: times.map(([, ms]) => ms), color: 1 }],
    horizontal: true,
    scales: { x: axis('milliseconds', { beginAtZero: true }), y: {} },
  };
}

/** Steps of more bytes are counted with those of so many. */
const MOST_BYTES = 32;

function stepBytes() {
  const counts = [...(result.with_memory?.chosen_drafts?.bytes_of_step ?? [])];
  for (const key of result.keys ?? []) {
    if (!key.from_memory && key.steps > 0) {
      const n = Math.max(Math.round(key.bytes / key.steps), 1);
      counts[n - 1] = (counts[n - 1] ?? 0) + 1;
    }
  }
  if (counts.length === 0) return undefined;
  const total = sum(known(counts));
  const what = result.keys ? 'suggestions' : 'steps';
  return {
    title: 'Bytes a step',
    text: result.keys ? 'How many bytes a step of the model yields, in the mean of each suggestion; without guessing ahead it would always be one.'
      : 'A step of the model checks several guessed bytes at once; this is how many of them a step yields. Without guessing ahead it would always be one.',
    type: 'bar',
    labels: Array.from(counts, (_, i) => (i + 1 === MOST_BYTES ? `${i + 1}+` : i + 1)),
    lines: [{ label: `share of ${what}`, data: Array.from(counts, (n) => percent((n ?? 0) / total)), color: 1 }],
    scales: { x: axis('bytes that a step yields'), y: axis(`% of ${what}`, { beginAtZero: true }) },
  };
}

function calibration() {
  const lengths = result.confidence?.lengths ?? [];
  const bins = Array.from({ length: 10 }, (_, i) => {
    const there = lengths.map((length) => length.bins[i]);
    const n = sum(there.map((bin) => bin.n));
    const mean = (name) => (n > 0 ? percent(sum(there.map((bin) => bin.n * bin[name])) / n) : null);
    return { n, sure: mean('sure'), right: mean('right') };
  });
  if (sum(bins.map((bin) => bin.n)) === 0) return undefined;
  return {
    title: 'Is it as sure as it should be?',
    text: 'Suggestions grouped by how sure the engine was of them: where the two lines meet, the share that was right is what it had said. Bars show how many there are.',
    type: 'bar',
    labels: bins.map((_, i) => `${10 * i}–${10 * i + 10}`),
    lines: [
      { type: 'line', label: 'really right', data: bins.map((bin) => bin.right), color: 1, pointRadius: 4, spanGaps: true },
      { type: 'line', label: 'how sure it was', data: bins.map((bin) => bin.sure), color: 2, borderDash: [6, 4], pointRadius: 0, spanGaps: true },
      { label: 'how many', data: bins.map((bin) => bin.n), color: 4, yAxisID: 'count' },
    ],
    scales: {
      x: axis('how sure the engine was, in %'),
      y: percentAxis('share that is right'),
      count: axis('suggestions', { position: 'right', beginAtZero: true, grid: { display: false } }),
    },
  };
}

function stepCosts() {
  const times = known(result.step_ms);
  if (times.length === 0) return undefined;
  const limit = known(result.limit?.step_ms);
  return {
    title: 'What checking more bytes at once costs',
    text: 'The time of one step of the model by how many bytes it checks, on this machine: the flatter the line, the more it pays to guess ahead.',
    type: 'line',
    labels: times.map((_, i) => i + 1),
    lines: [{ label: 'measured', data: times, color: 1, pointRadius: 3 }].concat(
      limit.length > 0 ? [{ label: 'the least that this machine would need', data: limit, color: 2, borderDash: [6, 4], pointRadius: 0 }] : []),
    scales: { x: axis('bytes that are checked at once, m'), y: axis('milliseconds, T(m)', { beginAtZero: true }) },
  };
}

const typed = () => Object.entries(result.languages ?? {}).filter(([, score]) => score.replay?.keys_without > 0)
  .sort(([, a], [, b]) => b.replay.keys_saved - a.replay.keys_saved);

function keysSaved() {
  const languages = typed();
  if (languages.length === 0) return undefined;
  const t = result.typing;
  return {
    title: 'Keys and time saved',
    text: 'A simulated person types parts of the files anew and takes suggestions that are right: the share of keys that they need not press, and of time ' +
      `if a key takes ${t.key_ms} ms, looking at a suggestion ${t.notice_ms} ms, and each character read ${t.read_ms} ms.`,
    type: 'bar',
    labels: languages.map(([name]) => name),
    lines: [
      { label: 'keys saved', data: languages.map(([, score]) => percent(score.replay.keys_saved)), color: 1 },
      { label: 'time saved', data: languages.map(([, score]) => percent(score.replay.time_saved)), color: 2 },
    ],
    scales: { x: {}, y: axis('% of typing without suggestions') },
  };
}

function similarity() {
  const languages = Object.entries(result.languages ?? {}).filter(([, score]) => score.with_memory?.lines > 0);
  if (languages.length === 0) return undefined;
  const of = (name) => languages.map(([, score]) => percent(score.with_memory[name]));
  return {
    title: 'How near suggestions come to the truth',
    text: 'At random places the rest of the line, and the lines up to the end of the block, were taken away and asked for: 100 % is exactly what the file ' +
      'says, 0 % has nothing of it.',
    type: 'bar',
    labels: languages.map(([name]) => name),
    lines: [{ label: 'rest of the line', data: of('line_similarity'), color: 1 }, { label: 'block', data: of('block_similarity'), color: 2 }],
    scales: { x: {}, y: percentAxis('similarity to the file') },
  };
}

function heads() {
  const of = (name) => new Map((result[name]?.longest_drafts?.heads ?? []).map((head) => [head.head, percent(head.right / head.judged)]));
  const alone = of('net_alone');
  const memory = of('with_memory');
  const places = [...new Set([...alone.keys(), ...memory.keys()])].sort((a, b) => a - b);
  if (places.length === 0) return undefined;
  return {
    title: 'How far ahead guesses are right',
    text: 'The model guesses up to eight bytes at once: how often the guess for each byte of a step was right, where all guesses before it were. With the ' +
      "workspace's memory the model is asked only where the memory is not sure by itself.",
    type: 'bar',
    labels: places,
    lines: [
      { label: 'the model alone', data: places.map((place) => alone.get(place) ?? null), color: 1 },
      { label: "with the workspace's memory", data: places.map((place) => memory.get(place) ?? null), color: 2 },
    ],
    scales: { x: axis('byte of the step'), y: percentAxis('guesses that are right') },
  };
}

const PLOTS = [latency, stages, keysSaved, similarity, calibration, heads, stepBytes, stepCosts];

// ---- drawing ----

const drawn = [];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function configuration(plot) {
  const text = colour('quiet');
  const grid = colour('line');
  const scales = Object.fromEntries(Object.entries(plot.scales).map(([name, scale]) => [name, {
    ...scale,
    title: { ...scale.title, color: text },
    ticks: { ...scale.ticks, color: text },
    grid: { color: grid, ...scale.grid },
  }]));
  return {
    type: plot.type,
    data: {
      labels: plot.labels,
      datasets: plot.lines.map(({ color, ...line }) => ({
        ...line, borderColor: colour(`series-${color}`), backgroundColor: colour(`series-${color}`), borderWidth: line.type === 'line' || plot.type === 'line' ? 2 : 0,
      })),
    },
    options: {
      animation: false, responsive: true, maintainAspectRatio: false, indexAxis: plot.horizontal ? 'y' : 'x', scales,
      plugins: { legend: { display: plot.lines.length > 1, labels: { color: colour('text'), boxWidth: 18 } } },
    },
  };
}

function draw() {
  for (const chart of drawn.splice(0)) chart.destroy();
  const main = document.getElementById('plots');
  main.replaceChildren();
  for (const plot of PLOTS.map((make) => make()).filter(Boolean)) {
    const figure = element('figure', undefined, main);
    element('h2', plot.title, figure);
    element('figcaption', plot.text, figure);
    const frame = element('div', undefined, figure);
    frame.className = 'plot';
    const canvas = element('canvas', undefined, frame);
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', `${plot.title}. ${plot.text}`);
    drawn.push(new Chart(canvas, configuration(plot)));
  }
}

// ---- tables ----

function table(title, note, header, rows) {
  const frame = element('div', undefined, document.getElementById('tables'));
  frame.className = 'table';
  element('h2', title, frame);
  element('p', note, frame).className = 'note';
  const made = element('table', undefined, frame);
  const head = element('tr', undefined, element('thead', undefined, made));
  for (const name of header) element('th', name, head);
  const body = element('tbody', undefined, made);
  for (const row of rows) {
    const line = element('tr', undefined, body);
    for (const cell of row) element('td', cell, line);
  }
}

function languageTable() {
  const rows = [...typed(), ...(typed().length > 1 ? [['all', result]] : [])];
  if (rows.length === 0) return;
  table('Typing with suggestions, by language',
    'Attention is the time that the simulated person looks at suggestions. If every suggestion took the break-even time, they would cost what they save.',
    ['language', 'keys without', 'keys saved', 'time saved', 'suggestions', 'taken whole', 'taken partly', 'characters right',
      'shown / right a second of attention', 'computed a key', 'break even, ms'],
    rows.map(([name, { replay }]) => [name, number(replay.keys_without), withUnit(replay.keys_saved, 'share'), withUnit(replay.time_saved, 'share'),
      number(replay.suggestions), withUnit(replay.accepted_whole_share, 'share'), withUnit(replay.accepted_partly_share, 'share'),
      withUnit(replay.right_share, 'share'), `${number(replay.shown_per_attention_s)} / ${number(replay.right_per_attention_s)}`,
      number(replay.computed_per_key), number(replay.break_even_ms)]));
}

function figureTable() {
  const figures = Object.entries(result.figures ?? {});
  if (figures.length === 0) return;
  const what = result.verb === 'latency' ? 'repetition' : 'file';
  table('All figures', `One value a ${what}: the median, the middle half of the values, and how many there are. octet-bench compare tells whether two runs differ in them.`,
    ['figure', 'median', 'middle half', 'values', 'better'],
    figures.map(([name, figure]) => {
      const values = known(figure.values);
      const half = values.length > 1 ? `${withUnit(quantile(values, 0.25), figure.unit)} to ${withUnit(quantile(values, 0.75), figure.unit)}` : '–';
      const n_outliers = (figure.outliers ?? []).length;
      const n = number(values.length) + (n_outliers > 0 ? `, ${n_outliers} far out` : '');
      return [name, withUnit(figure.median, figure.unit), half, n, figure.better];
    }));
}

function environment() {
  const frame = document.getElementById('environment');
  element('h2', 'Measured on', frame);
  const list = element('dl', undefined, frame);
  const groups = { '': result.environment, server: result.server, trace: result.trace };
  const facts = Object.entries(groups).flatMap(([group, values]) => Object.entries(values ?? {}).map(([name, value]) => [`${group} ${name}`.trim(), value]));
  if (typeof result.model === 'string') facts.push(['model', result.model], ['sha256', result.sha256]);
  facts.push(['seed', result.seed], ['hash of the texts', result.text_hash]);
  for (const [name, value] of facts) {
    if (value === undefined || value === null) continue;
    element('dt', name, list);
    element('dd', typeof value === 'number' ? number(value) : typeof value === 'string' ? value : JSON.stringify(value), list);
  }
}

function headline() {
  const words = [];
  if (result.texts_wrong > 0 || result.texts_differing > 0) words.push('Some texts are wrong: this run is void.');
  if (result.replay?.keys_without > 0) {
    words.push(`${withUnit(result.replay.keys_saved, 'share')} of the keys saved; ${withUnit(result.replay.right_share, 'share')} of the characters shown were right.`);
  }
  const times = (result.keys ?? []).filter((key) => key.outcome === 'text' && !key.from_memory).flatMap((key) => known(key.whole_ms));
  if (times.length > 0) words.push(`Half of the suggestions are there after ${number(quantile(times, 0.5))} ms, 95 of 100 after ${number(quantile(times, 0.95))} ms.`);
  document.getElementById('headline').textContent = words.join(' ');
}

document.getElementById('intro').textContent = INTROS[result.verb] ?? '';
headline();
draw();
languageTable();
figureTable();
environment();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
