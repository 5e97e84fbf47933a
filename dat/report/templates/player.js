// The players: a sequence's frames from the data set's own folder, with the stored boxes of two trackers and the truth.
// A sequence's file is loaded when it is looked at. Whatever a data set brings is set as text, never as markup.
const names = JSON.parse(document.getElementById("words").textContent);
const place = document.getElementById("players");
const part = (selector) => place.querySelector(selector);
const svgElement = (name, facts) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(facts)) made.setAttribute(key, value);
  return made;
};
const shownAt = { benchmark: "", sequence: "", first: "", second: "", frame: 0 };
let playing = 0;
let wantedView = 0;

const trackerName = (tracker) => {
  const [variant, seed] = tracker.split("@seed-");
  const several = new Set(scored(shownAt.benchmark).trackers.map((one) => one.split("@seed-")[1])).size > 1;
  return (names.variants[variant] ?? variant) + (several ? `, seed ${seed}` : "");
};
const scored = (benchmark) => window.datPlayers.benchmarks[benchmark];
const current = () => window.datSequences?.[`${shownAt.benchmark}/${shownAt.sequence}`];
const ofTracker = (which) => current().trackers[shownAt[which]];
const decimal = (value, digits = 2) => (value == null ? "–" : value.toFixed(digits));
const path = (...parts) => parts.map((one) => one.split("/").map(encodeURIComponent).join("/")).join("/");
const linkTo = (to) =>
  `#play/${[to.benchmark, to.sequence, to.first, to.second, to.frame ?? ""].map(encodeURIComponent).join("/")}`;

function loaded(benchmark, sequence) {
  if (window.datSequences?.[`${benchmark}/${sequence}`]) return Promise.resolve();
  const script = document.createElement("script");
  script.src = path("players", benchmark, `${sequence}.js`);
  return new Promise((resolve, reject) => {
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error(`${script.getAttribute("src")} is not there: dvc repro report makes it`)));
    document.head.append(script);
  });
}

function frameUrl(name) {
  const root = scored(shownAt.benchmark).root;
  const linked = root.endsWith(".path") ? window.datRun?.roots?.[root] : place.dataset.top + path(root);
  return linked ? `${linked}/${path(name)}` : "";
}

// ------------------------------------------------------------ drawing

function shape(region, className) {
  if (!region) return [];
  const [x, y, width, height] = region;
  const corners = region.length === 8 ? region : [x, y, x + width, y, x + width, y + height, x, y + height];
  return [svgElement("polygon", { points: corners.join(" "), class: className })];
}

function drawFrame() {
  const data = current();
  const at = shownAt.frame;
  const image = part(".screen img");
  const url = frameUrl(data.frames[at]);
  if (image.getAttribute("src") !== url) image.src = url;
  if (!url) frameGone();
  part(".screen svg").replaceChildren(
    ...shape(data.truth[at], "truth"),
    ...shape(ofTracker("first")?.boxes[at], "first"),
    ...shape(ofTracker("second")?.boxes[at], "second"),
  );
  const said = ["first", "second"].map((which) => {
    const of = ofTracker(which);
    return `${trackerName(shownAt[which])}: ${of ? (of.overlap[at] == null ? "not compared here" : `overlap ${decimal(of.overlap[at])}`) : "has no result of this sequence"}`;
  });
  part(".now").textContent = [`Frame ${at + 1} of ${data.frames.length}`, ...said].join(" · ");
  part(".scrub").value = at;
  part(".scrub").setAttribute("aria-valuetext", part(".now").textContent);
  const cursor = part(".timeline .cursor");
  const x = timelineX(at);
  cursor.setAttribute("x1", x);
  cursor.setAttribute("x2", x);
}

const timelineX = (frame) => (1000 * frame) / Math.max(1, current().frames.length - 1);

function drawTimeline() {
  const lines = ["first", "second"].flatMap((which) => {
    const overlap = ofTracker(which)?.overlap ?? [];
    const runs = [];
    overlap.forEach((value, frame) => {
      if (value == null) return;
      if (frame === 0 || overlap[frame - 1] == null) runs.push([]);
      runs.at(-1).push(`${timelineX(frame)},${100 - 100 * value}`);
    });
    return runs.map((points) => svgElement("polyline", { points: points.join(" "), class: which }));
  });
  const half = svgElement("line", { x1: 0, x2: 1000, y1: 50, y2: 50, class: "half" });
  part(".timeline").replaceChildren(half, ...lines, svgElement("line", { y1: 0, y2: 100, class: "cursor" }));
}

function frameGone() {
  const data = scored(shownAt.benchmark);
  const set = data.data_set;
  const name = current().frames[shownAt.frame];
  part(".screen img").hidden = true;
  part(".gone").hidden = false;
  part(".gone").textContent = data.root.endsWith(".path")
    ? `The frame ${name} of ${set} is not at hand: dat data link says where the data set is, and dat timings tells this page. The boxes are drawn without it.`
    : `The frame ${data.root}/${name} has gone: dvc repro brings it back. The boxes are drawn without it.`;
}

// ------------------------------------------------------------ choosing

function options(name, values, words = (value) => value) {
  const select = part(`select[name=${name}]`);
  select.replaceChildren(...values.map((value) => new Option(words(value), value, false, value === shownAt[name])));
}

function pairOf(benchmark, first, second) {
  const trackers = scored(benchmark).trackers.filter((one) => !scored(benchmark).lacks.includes(one));
  const variant = (name) => trackers.find((one) => one === name || one.split("@")[0] === name);
  const one = variant(first) ?? variant(names.pair[0]) ?? trackers[0];
  const other = variant(second) ?? variant(names.pair[1]);
  return [one, other && other !== one ? other : (trackers.find((name) => name !== one) ?? one)];
}

// Sequences by how far the two trackers' mean overlaps are apart.
function byDifference(benchmark, first, second) {
  const apart = ([, row]) => {
    const [one, other] = [row.trackers[first]?.mean, row.trackers[second]?.mean];
    return one == null || other == null ? -1 : Math.abs(one - other);
  };
  return Object.entries(scored(benchmark).sequences).sort((a, b) => apart(b) - apart(a));
}

function widest() {
  const [one, other] = [ofTracker("first")?.overlap, ofTracker("second")?.overlap];
  if (!one || !other) return 0;
  const apart = one.map((value, frame) => (value == null || other[frame] == null ? -1 : Math.abs(value - other[frame])));
  return apart.indexOf(Math.max(...apart));
}

async function show(wanted) {
  const view = ++wantedView;
  stop();
  const to = { ...wanted };
  const data = scored(to.benchmark);
  part(".status").textContent = "";
  if (!data || data.missing || !Object.keys(data.sequences).length) {
    part(".status").textContent = `${to.benchmark}: nothing to watch: ${data?.missing ?? `no sequence is finished; dvc repro benchmark@${to.benchmark} makes them`}`;
    part(".player").hidden = true;
    return;
  }
  [to.first, to.second] = pairOf(to.benchmark, to.first, to.second);
  if (!to.first) {
    part(".status").textContent = `${to.benchmark}: no tracker has a result; dvc repro benchmark@${to.benchmark} makes them`;
    return;
  }
  to.sequence = data.sequences[to.sequence] ? to.sequence : byDifference(to.benchmark, to.first, to.second)[0][0];
  try {
    await loaded(to.benchmark, to.sequence);
  } catch (error) {
    part(".status").textContent = error.message;
    return;
  }
  if (view !== wantedView) return;
  Object.assign(shownAt, to);
  const last = current().frames.length - 1;
  shownAt.frame = Number.isInteger(to.frame) ? Math.max(0, Math.min(to.frame, last)) : widest();
  choices();
  const [width, height] = current().size;
  part(".screen svg").setAttribute("viewBox", `0 0 ${width} ${height}`);
  part(".screen").style.aspectRatio = `${width} / ${height}`;
  part(".sentence").textContent = current().sentence ? `“${current().sentence}”` : "This sequence has no sentence.";
  part(".scrub").max = last;
  part(".player").hidden = false;
  drawTimeline();
  drawFrame();
}

function choices() {
  const data = scored(shownAt.benchmark);
  const there = Object.keys(window.datPlayers.benchmarks);
  options("benchmark", there, (name) => names.benchmarks[name] ?? name);
  options("sequence", Object.keys(data.sequences));
  for (const which of ["first", "second"]) {
    options(which, data.trackers.filter((one) => !data.lacks.includes(one)), trackerName);
    const lost = data.sequences[shownAt.sequence].trackers[shownAt[which]]?.lost;
    const button = part(`.lost-${which}`);
    button.textContent = `${trackerName(shownAt[which])}: ${lost == null ? "never lost" : `first lost in frame ${lost + 1}`}`;
    button.disabled = lost == null;
    button.onclick = () => show({ ...shownAt, frame: lost });
  }
  differences();
  part(".lacks").textContent = data.lacks.length
    ? `Never run: ${data.lacks.map(trackerName).join(", ")}; dvc repro benchmark@${shownAt.benchmark} runs them.`
    : "";
}

function differences() {
  const { benchmark, first, second } = shownAt;
  const table = part(".differences");
  const heads = ["Sequence", trackerName(first), trackerName(second), "Difference", "First lost", "Second lost"];
  const rows = byDifference(benchmark, first, second).map(([sequence, row]) => {
    const [one, other] = [row.trackers[first], row.trackers[second]];
    const to = { benchmark, sequence, first, second };
    const apart = one?.mean == null || other?.mean == null ? null : other.mean - one.mean;
    const lost = (of) => (of?.lost == null ? "–" : element("a", { href: linkTo({ ...to, frame: of.lost }), textContent: of.lost + 1 }));
    const numbers = [decimal(one?.mean, 3), decimal(other?.mean, 3), decimal(apart, 3), lost(one), lost(other)];
    return element("tr", {},
      element("th", { scope: "row" }, element("a", { href: linkTo(to), textContent: sequence })),
      ...numbers.map((value) => element("td", { className: "num" }, value)));
  });
  table.replaceChildren(
    element("thead", {}, element("tr", {}, ...heads.map((head, at) => element("th", { scope: "col", className: at ? "num" : "" }, head)))),
    element("tbody", {}, ...rows));
  sortable(table);
  place.querySelector(".filter")?.remove();
  filterable(table);
}

// ------------------------------------------------------------ playing

function stop() {
  clearInterval(playing);
  playing = 0;
  part(".play").textContent = "Play";
}

function go(frame) {
  const last = current().frames.length - 1;
  shownAt.frame = Math.max(0, Math.min(frame, last));
  drawFrame();
  if (playing && shownAt.frame === last) stop();
}

function play() {
  if (playing) return stop();
  if (shownAt.frame === current().frames.length - 1) shownAt.frame = -1;
  part(".play").textContent = "Pause";
  playing = setInterval(() => part(".screen img").complete && go(shownAt.frame + 1), 100);
}

// ------------------------------------------------------------ a point of a curve, and the frames that decide it

const mostFrames = 200;

// Frames that count at this threshold of success and no longer at the next, or at this one of precision for the first time.
function decides(metric, threshold, data, tracker) {
  const of = data.trackers[tracker];
  return (of?.boxes ?? []).flatMap((box, frame) => {
    if (metric === "success") {
      const overlap = of.overlap[frame];
      return overlap != null && overlap > threshold && overlap <= threshold + 0.05 ? [frame] : [];
    }
    const truth = data.truth[frame];
    if (!box || !truth) return [];
    const error = Math.hypot(box[0] + box[2] / 2 - truth[0] - truth[2] / 2, box[1] + box[3] / 2 - truth[1] - truth[3] / 2);
    return error <= threshold && error > threshold - 1 ? [frame] : [];
  });
}

async function showDeciding(name, variant, metric, threshold) {
  const subset = window.datPlayers?.subsets[name];
  const benchmark = subset?.of ?? name;
  place.scrollIntoView();
  if (!window.datPlayers || scored(benchmark)?.missing) return show({ benchmark });
  await show({ benchmark, first: variant });
  const sequences = subset?.sequences ?? Object.keys(scored(benchmark).sequences);
  const trackers = scored(benchmark).trackers.filter((one) => one.split("@")[0] === variant);
  const links = [];
  for (const sequence of sequences) {
    await loaded(benchmark, sequence);
    for (const tracker of trackers) {
      for (const frame of decides(metric, threshold, window.datSequences[`${benchmark}/${sequence}`], tracker)) {
        const href = linkTo({ benchmark, sequence, first: tracker, second: shownAt.second, frame });
        links.push(element("a", { href, textContent: `${sequence} ${frame + 1}` }));
      }
    }
  }
  const from = metric === "success" ? `above ${threshold} and not above the next threshold` : `within ${threshold} pixels and not within the one before`;
  const more = links.length > mostFrames ? `; the first ${mostFrames}:` : links.length ? ":" : ".";
  part(".deciding").replaceChildren(
    element("h3", { textContent: "The frames that decide this point" }),
    element("p", { className: "head", textContent: `${names.variants[variant] ?? variant}, ${metric} at ${threshold}: ${links.length} frames are ${from}${more}` }),
    element("p", { className: "frames" }, ...links.slice(0, mostFrames)));
  part(".deciding").hidden = false;
}

for (const cell of document.querySelectorAll(".points td[data-address^='figure/']")) {
  const link = cell.querySelector("a.from")?.getAttribute("href").split("/");
  if (!link) continue;
  const curve = cell.dataset.address.match(/-(success|precision)\/([^/]+)$/);
  const button = element("button", { type: "button", className: "frames", textContent: "frames" });
  button.setAttribute("aria-label", `Frames behind ${cell.dataset.address}`);
  button.addEventListener("click", () => {
    if (curve) return showDeciding(link[1], link[2], curve[1], Number(curve[2]));
    place.scrollIntoView();
    return window.datPlayers && show({ benchmark: link[1], first: link[2] });
  });
  cell.after(element("td", {}, button));
}

// ------------------------------------------------------------ the start

function fromLink() {
  const parts = location.hash.match(/^#play\/(.*)$/)?.[1].split("/").map(decodeURIComponent);
  if (!parts) return false;
  const [benchmark, sequence, first, second, frame] = parts;
  show({ benchmark, sequence, first, second, frame: frame ? Number(frame) : undefined });
  place.scrollIntoView();
  return true;
}

if (window.datPlayers) {
  for (const select of place.querySelectorAll("select")) {
    select.addEventListener("change", () => {
      const to = { ...shownAt, [select.name]: select.value };
      if (select.name === "benchmark" || select.name === "sequence") delete to.frame;
      if (select.name === "benchmark") delete to.sequence;
      show(to);
    });
  }
  part(".screen img").addEventListener("error", frameGone);
  part(".screen img").addEventListener("load", () => {
    part(".screen img").hidden = false;
    part(".gone").hidden = true;
  });
  part(".scrub").addEventListener("input", (event) => go(Number(event.target.value)));
  const scrub = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const box = part(".timeline").getBoundingClientRect();
    go(Math.round(((event.clientX - box.left) / box.width) * (current().frames.length - 1)));
  };
  part(".timeline").addEventListener("pointerdown", scrub);
  part(".timeline").addEventListener("pointermove", scrub);
  part(".play").addEventListener("click", play);
  part(".back").addEventListener("click", () => go(shownAt.frame - 1));
  part(".on").addEventListener("click", () => go(shownAt.frame + 1));
  addEventListener("hashchange", fromLink);
  const finished = Object.entries(window.datPlayers.benchmarks).filter(
    ([, data]) => !data.missing && data.lacks.length < data.trackers.length && Object.keys(data.sequences).length);
  const both = finished.find(([, data]) => names.pair.every((name) => data.trackers.some((one) => one.split("@")[0] === name)));
  if (!fromLink()) {
    const start = (both ?? finished[0])?.[0];
    if (start) show({ benchmark: start });
    else part(".status").textContent = "No sequence is finished yet: dvc repro makes the first.";
  }
}
