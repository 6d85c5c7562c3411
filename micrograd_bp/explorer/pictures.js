// The pictures of a step: numbers, colours and looks; and where the eye is, which follows the steps.

const byAttribute = (name) => [...document.querySelectorAll(`.view [data-${name}]`)].map((element) => {
  const value = element.getAttribute(`data-${name}`), { fold } = element.dataset;
  return { element, value, members: fold ? page.folds[fold].nodes : value.split(" ").map(Number) };
});
let elements, wires, inCircles;

// Finds what the pictures consist of; again when a fold is opened.
function collect() {
  elements = Object.fromEntries(["data", "grad", "nodes", "edge"].map((name) => [name, byAttribute(name)]));
  wires = [...document.querySelectorAll(".wire")].map((element) => ({ element, node: Number(element.dataset.nodes) }));
  inCircles = [...document.querySelectorAll(".node .quantity")].map((text) => ({ text, room: roomIn(text) }));
}

// --- colours: orange stands for a positive number, blue for a negative one ------------------------

const SHADES = 4; // each stands for a power of ten
const powerOfTen = (x) => Number(x.toExponential().split("e")[1]);

function tint(element, x, top) {
  const isSigned = x && Number.isFinite(x);
  const shade = isSigned ? Math.max(0, powerOfTen(x) - top + SHADES - 1) : 0;
  const look = isSigned ? `${x < 0 ? "-" : "+"}${shade}` : "";
  if ((element.dataset.tint ?? "") !== look) element.dataset.tint = look;
}

// The power of ten of the largest of some numbers; constants may be huge, and take no part.
function topOf(numbers) {
  let most = 0;
  numbers.forEach((x, i) => {
    if (Number.isFinite(x) && (nodes[i].parents.length || !nodes[i].operation)) most = Math.max(most, Math.abs(x));
  });
  return most && powerOfTen(most);
}

// --- a step ---------------------------------------------------------------------------------------

function showPictures(state, current, pass) {
  const isCurrent = new Set(current), isOperand = new Set(state.operands), isChanged = new Set(state.changed);
  for (const { element, members: [i] } of elements.data) setText(element, state.data[i] ? pictured(nodes[i].data) : "…");
  for (const { element, members: [i] } of elements.grad) {
    const isPartial = state.partial.has(i);
    setText(element, state.grads[i] === null ? "—" : pictured(state.grads[i]) + (isPartial ? " +…" : ""));
    element.classList.toggle("changed", isChanged.has(i));
    element.classList.toggle("partial", isPartial);
  }
  fitTexts();
  const numbers = nodes.map(({ data }, i) => (pass === "backward" ? state.grads[i] : state.data[i] ? data : null));
  const top = topOf(numbers);
  for (const { element, members } of elements.nodes) {
    const now = members.some((i) => isCurrent.has(i));
    element.classList.toggle("current", now);
    element.classList.toggle("operand", !now && members.some((i) => isOperand.has(i)));
    element.classList.toggle("todo", !now && !state.data[members[0]]);
    element.classList.toggle("refused", members.some((i) => nodes[i].refusal));
    if (element.dataset.fold || element.matches(".wire")) continue; // many numbers; its weight
    tint(element, numbers[pass === "backward" ? members[0] : members.at(-1)], top); // of a unit the error; z_j
  }
  const weights = nodes.map(({ data }, i) => (state.data[i] ? data : null)), heaviest = topOf(weights);
  for (const { element, node } of wires) {
    const line = element.querySelector(".line"), { data } = nodes[node];
    line.setAttribute("stroke-width", 1 + Math.min(Math.abs(data) || 0, 3));
    line.classList.toggle("negative", data < 0);
    tint(element, weights[node], heaviest);
  }
  for (const { element, value, members: [i, slot] } of elements.edge) {
    element.classList.toggle("current", state.edges.has(value));
    if (element.classList.contains("local")) {
      const local = pictured(nodes[i].local[slot]);
      setText(element, pass === "backward" ? `◀ ×${local}` : `×${local}`);
    }
  }
  showFolds(current, state.operands, numbers, pass);
}

// --- numbers stay in their circles ----------------------------------------------------------------

const CAPITAL = 10, PADDING = 5; // the height of a letter, and what is left free

// The length of the line in which a text stands: the chord at its edge that is farther out.
function roomIn(text) {
  const circle = text.parentElement.querySelector("circle");
  const [cy, r] = ["cy", "r"].map((name) => circle[name].baseVal.value), y = Number(text.getAttribute("y"));
  const away = Math.max(Math.abs(y + 3 - cy), Math.abs(y - CAPITAL - cy));
  return 2 * (Math.sqrt(Math.max(r * r - away * away, 0)) - PADDING);
}

function fitTexts() {
  if (at("network-view").clientWidth === 0) return;
  for (const one of inCircles) {
    if (one.text.textContent === one.fitted) continue;
    one.fitted = one.text.textContent;
    one.text.style.fontSize = "";
    const length = one.text.getComputedTextLength(), size = parseFloat(getComputedStyle(one.text).fontSize);
    if (length > one.room) one.text.style.fontSize = `${(size * one.room) / length}px`;
  }
}

// --- where the eye is -----------------------------------------------------------------------------

// The whole is shown at first, and at each step if it can be read; else the step, and what it uses.
const READABLE = 11 / 12.5, ROOMY = 14 / 12.5, LARGEST = 1.4; // small texts are 12.5 px high
const SECONDS = 0.4;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let zoom = 1, isWhole = false;

const sizeOf = (svg) => svg.getAttribute("viewBox").split(" ").map(Number);

function follow(isAtOnce = false) {
  for (const view of document.querySelectorAll(".view")) {
    const svg = view.querySelector(":scope > svg:not([hidden])");
    if (svg && view.clientWidth) look(view, svg, isAtOnce || calm.matches);
  }
  placeBubbles();
}

function look(view, svg, isAtOnce) {
  const [left, top, width, height] = sizeOf(svg), frame = { width: view.offsetWidth - 4, height: view.offsetHeight - 4 };
  const scaleOf = (box) => Math.min(frame.width / box.width, frame.height / box.height);
  const fit = Math.min(LARGEST, scaleOf({ width, height }));
  const step = isWhole || fit >= READABLE ? null : stepIn(svg);
  const scale = zoom * (step ? Math.max(fit, Math.min(ROOMY, scaleOf(step))) : fit);
  const now = step ?? (zoom > 1 && stepIn(svg)) ?? null, box = now || { x: left, y: top, width, height };
  const target = { scale, x: box.x + box.width / 2, y: box.y + box.height / 2 };
  cancelAnimationFrame(view.frame);
  if (isAtOnce || !view.isPlaced) return put(view, svg, target);
  const from = placeNow(view, svg), start = performance.now();
  const move = (time) => {
    const t = Math.max(0, Math.min((time - start) / (1000 * SECONDS), 1)), done = t * t * (3 - 2 * t);
    put(view, svg, Object.fromEntries(Object.entries(target).map(([key, end]) => [key, from[key] + (end - from[key]) * done])));
    if (t < 1) view.frame = requestAnimationFrame(move);
  };
  view.frame = requestAnimationFrame(move);
}

// Around the current nodes and those they use, with some room; none if there is no current node.
function stepIn(svg) {
  const shown = svg.querySelectorAll("[data-nodes].current, [data-nodes].operand");
  if (!svg.querySelector("[data-nodes].current")) return null;
  const boxes = [...shown].map((element) => element.getBBox());
  const x = Math.min(...boxes.map((box) => box.x)) - 16, y = Math.min(...boxes.map((box) => box.y)) - 16;
  return {
    x, y, width: Math.max(...boxes.map((box) => box.x + box.width)) + 16 - x,
    height: Math.max(...boxes.map((box) => box.y + box.height)) + 16 - y,
  };
}

// What is left and above of a picture that is smaller than its view.
const margins = (view, scale, width, height) =>
  [Math.max(0, (view.clientWidth - width * scale) / 2), Math.max(0, (view.clientHeight - height * scale) / 2)];

function put(view, svg, { scale, x, y }) {
  const [left, top, width, height] = sizeOf(svg), [across, down] = margins(view, scale, width, height);
  svg.setAttribute("width", Math.floor(width * scale));
  svg.setAttribute("height", Math.floor(height * scale));
  view.scrollTo({ left: across + (x - left) * scale - view.clientWidth / 2, top: down + (y - top) * scale - view.clientHeight / 2, behavior: "instant" });
  view.isPlaced = true;
  placeBubbles();
}

function placeNow(view, svg) {
  const [left, top, width, height] = sizeOf(svg), scale = svg.width.baseVal.value / width;
  const [across, down] = margins(view, scale, width, height);
  return {
    scale, x: left + (view.scrollLeft + view.clientWidth / 2 - across) / scale,
    y: top + (view.scrollTop + view.clientHeight / 2 - down) / scale,
  };
}

function resize() {
  fitTexts();
  follow(true);
  at("fit").setAttribute("aria-pressed", isWhole);
}

function toggleFit() {
  isWhole = !isWhole;
  zoom = 1;
  resize();
}

function setZoom(factor) {
  zoom = Math.max(0.2, Math.min(8, zoom * factor));
  resize();
}

for (const view of document.querySelectorAll(".view")) {
  view.addEventListener("click", ({ target }) => {
    const element = target.closest("[data-nodes]");
    if (!element) return;
    stop();
    if (element.dataset.fold) openFold(Number(element.dataset.fold));
    else goToNode(element.dataset.nodes.split(" ").map(Number));
  });
}
