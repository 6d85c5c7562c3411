// The outputs of the model over its inputs, with the data points: for one input a curve, for two the
// plane in colours, with lines of equal output. The axes stay as they are while numbers change.

const plotted = page.points?.inputs.length <= 2 ? page.points : null;
const isPlane = plotted?.inputs.length === 2;
const FRAME = { left: 54, right: 296, top: 8, bottom: 216 };
const MOST_CELLS = 40; // of the plane along a side
const MOST_EVALUATIONS = 30_000; // of nodes, for a picture
const PIECES = 120; // of a curve

// Output k as a function of the inputs, with the weights of now.
function outputFunction(k) {
  const { inputs, outputs, link, way } = plotted, data = nodes.map((node) => node.data);
  const calls = way.map((i) => ({
    i, parents: nodes[i].parents, numbers: argumentsOf(nodes[i]), value: TABLE[nodes[i].function].value,
  }));
  return (...x) => {
    inputs.forEach((i, slot) => { data[i] = x[slot]; });
    for (const { i, parents, numbers, value } of calls) {
      for (let slot = 0; slot < parents.length; slot++) numbers[slot] = data[parents[slot]];
      data[i] = value(...numbers);
    }
    if (link === "softmax") return TABLE.softmax.value(...outputs.map((i) => data[i]), k);
    return link ? TABLE[link].value(data[outputs[k]]) : data[outputs[k]] ?? NaN;
  };
}

// --- axes -----------------------------------------------------------------------------------------

// From a little below the smallest to a little above the largest.
function span(numbers) {
  const known = numbers.filter(Number.isFinite), low = Math.min(...known), high = Math.max(...known);
  const margin = 0.12 * (high - low) || 1;
  return [low - margin, high + margin];
}

const between = ([low, high], [from, to]) => (x) => from + ((x - low) / (high - low)) * (to - from);

// Some round numbers.
function ticks([low, high]) {
  const size = 10 ** Math.floor(Math.log10(high - low));
  const step = [0.2, 0.5, 1, 2, 5].map((part) => part * size).find((each) => (high - low) / each < 5);
  const first = Math.ceil(low / step), n = Math.floor(high / step) - first + 1;
  return Array.from({ length: n }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

const targetAt = (k) => plotted.inputs.length + plotted.targetOf[k]; // its place in a row
const spans = new Map(); // by a column of the rows, or an output

function spanOf(key, numbers) {
  if (!spans.has(key)) spans.set(key, span(numbers()));
  return spans.get(key);
}

const spanOfColumn = (k) => spanOf(k, () => recordedRows.map((row) => row[k]));
const spanOfCurve = (k, f) => spanOf(`y ${k}`, () => recordedRows.flatMap((row) => [row[targetAt(k)], f(row[0])]));

// --- drawing --------------------------------------------------------------------------------------

function draw(parent, tag, attributes, text = "") {
  const element = document.createElementNS(at("plot").namespaceURI, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  parent.append(element);
  return element;
}

// A name with indices.
function drawName(parent, attributes, name) {
  const text = draw(parent, "text", { ...attributes, class: "tick" });
  let height = 0;
  for (const [, mark, part] of name.matchAll(/([\ue000-\ue002]?)([^\ue000-\ue002]+)/g)) {
    const wanted = { [SUB]: 4, [SUP]: -6 }[mark] ?? 0;
    draw(text, "tspan", { dy: wanted - height, "font-size": wanted ? "75%" : "100%" }, part);
    height = wanted;
  }
}

function showPlot() {
  if (!plotted) return;
  const svg = replace(at("plot")), k = Math.max(0, at("output").selectedIndex), f = outputFunction(k);
  const { left, right, top, bottom } = FRAME, frame = { x: left, y: top, width: right - left, height: bottom - top };
  const inside = draw(svg, "svg", { ...frame, viewBox: Object.values(frame).join(" ") }); // clips
  draw(svg, "rect", { ...frame, class: "frame" });
  const x = spanOfColumn(0), y = isPlane ? spanOfColumn(1) : spanOfCurve(k, f);
  const across = between(x, [left, right]), up = between(y, [bottom, top]);
  const words = (isPlane ? drawPlane : drawCurve)(inside, f, k, x, y);
  drawPoints(inside, k, (row) => [across(row[0]), up(row[isPlane ? 1 : targetAt(k)])]);
  for (const tick of ticks(x)) draw(svg, "text", { x: across(tick), y: bottom + 15, class: "tick" }, show(tick, 3));
  for (const tick of ticks(y)) draw(svg, "text", { x: left - 5, y: up(tick) + 4, class: "tick left" }, show(tick, 3));
  drawName(svg, { x: (left + right) / 2, y: bottom + 30 }, plotted.names.x[0]);
  if (isPlane) drawName(svg, { x: 12, y: (top + bottom) / 2 }, plotted.names.x[1]);
  write(replace(at("caption")), words);
  svg.setAttribute("aria-label", spoken(`${plotted.shown[k]} over ${plotted.names.x.join(" and ")}. ${words}`));
}

function drawCurve(parent, f, k, across, heights) {
  const x = between([0, PIECES], across), up = between(heights, [FRAME.bottom, FRAME.top]);
  const height = (y) => Math.max(-1e4, Math.min(1e4, up(y))).toFixed(1); // far outside is far enough
  let path = "", isDrawing = false;
  for (let i = 0; i <= PIECES; i++) {
    const y = f(x(i)), isKnown = !Number.isNaN(y);
    if (isKnown) path += `${isDrawing ? "L" : "M"}${(FRAME.left + (i / PIECES) * (FRAME.right - FRAME.left)).toFixed(1)},${height(y)}`;
    isDrawing = isKnown;
  }
  draw(parent, "path", { d: path, class: "curve" });
  return `Line: ${plotted.shown[k]}. Points: the targets; with a ring that of n.`;
}

let pointsLayer = null; // the points, and of what

// The chosen point has a ring; in a plane a high target is a circle, a low one a square.
function drawPoints(svg, k, place) {
  if (pointsLayer?.of[0] === rows && pointsLayer.of[1] === chosen && pointsLayer.of[2] === k) return svg.append(pointsLayer.layer);
  const parent = draw(svg, "g", {}), [low, high] = plotted.levels[k], middle = (low + high) / 2;
  pointsLayer = { layer: parent, of: [rows, chosen, k] };
  rows.forEach((row, n) => {
    const [x, y] = place(row), isHigh = !isPlane || row[targetAt(k)] >= middle, group = draw(parent, "g", { class: "point" });
    if (n === chosen) draw(group, "circle", { cx: x, cy: y, r: 9, class: "ring" });
    if (isHigh) draw(group, "circle", { cx: x, cy: y, r: 4.5, class: isPlane ? "" : "low" });
    else draw(group, "rect", { x: x - 4.5, y: y - 4.5, width: 9, height: 9, class: "low" });
    draw(group, "title", {}, `n = ${n + 1}`);
    group.addEventListener("click", () => choosePoint(n));
  });
}

// --- the plane ------------------------------------------------------------------------------------

function drawPlane(parent, f, k, across, up) {
  const n = Math.max(8, Math.min(MOST_CELLS, Math.floor(Math.sqrt(MOST_EVALUATIONS / (plotted.way.length + 1)))));
  const x = between([0, n], across), y = between([0, n], up);
  const grid = Array.from({ length: n + 1 }, (_, j) => Array.from({ length: n + 1 }, (_, i) => f(x(i), y(j))));
  const [low, high] = plotted.levels[k], width = (FRAME.right - FRAME.left) / n, height = (FRAME.bottom - FRAME.top) / n;
  draw(parent, "image", {
    href: inColours(grid, low, high), preserveAspectRatio: "none",
    x: FRAME.left - width / 2, y: FRAME.top - height / 2, width: (n + 1) * width, height: (n + 1) * height,
  });
  const levels = [0.25, 0.5, 0.75].map((share) => low + share * (high - low));
  for (const level of levels) {
    const path = contour(grid, level).map(([i, j], end) =>
      `${end % 2 ? "L" : "M"}${(FRAME.left + i * width).toFixed(1)},${(FRAME.bottom - j * height).toFixed(1)}`);
    draw(parent, "path", { d: path.join(""), class: level === levels[1] ? "level middle" : "level" });
  }
  const [first, middle, last] = levels.map((level) => show(level, 3));
  return `Blue to orange: ${plotted.shown[k]} from ${show(low, 3)} to ${show(high, 3)}, with lines at ${first}, ${middle} (thick) and ${last}. Circles: targets from ${middle} on; squares: below; with a ring that of n.`;
}

// A picture with a pixel for each number, the highest row at the top.
function inColours(grid, low, high) {
  const size = grid.length, canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true }); // or each picture waits for the GPU
  const style = getComputedStyle(document.body);
  const [cold, paper, hot] = ["forward", "paper", "backward"].map((name) => {
    pen.fillStyle = style.getPropertyValue(`--${name}`).trim();
    return [1, 3, 5].map((at) => parseInt(pen.fillStyle.slice(at, at + 2), 16));
  });
  canvas.width = canvas.height = size;
  const image = pen.createImageData(size, size);
  grid.forEach((line, j) => line.forEach((number, i) => {
    const share = Math.max(-1, Math.min(1, (2 * (number - low)) / (high - low) - 1)), end = share < 0 ? cold : hot;
    const pixel = [...paper.map((part, c) => part + 0.7 * Math.abs(share) * (end[c] - part)), 255];
    if (!Number.isNaN(number)) image.data.set(pixel, 4 * (size * (size - 1 - j) + i));
  }));
  pen.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

// Where the numbers of a grid pass a level, two ends a piece: by marching squares.
function contour(grid, level) {
  const ends = [];
  for (let j = 0; j + 1 < grid.length; j++) {
    for (let i = 0; i + 1 < grid.length; i++) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]], crossed = [];
      corners.forEach(([x, y], c) => {
        const [u, v] = corners[(c + 1) % 4], here = grid[y][x] - level, there = grid[v][u] - level;
        if (here < 0 === there < 0 || !Number.isFinite(here - there)) return;
        const share = here / (here - there);
        crossed.push([x + share * (u - x), y + share * (v - y)]);
      });
      if (crossed.length % 2 === 0) ends.push(...crossed);
    }
  }
  return ends;
}

at("output").parentElement.hidden = !(plotted?.outputs.length > 1);
at("output").addEventListener("change", showPlot);
for (const name of plotted?.shown ?? []) add(at("output"), "option").textContent = plain(name);
for (const id of ["plot", "caption"]) at(id).toggleAttribute("hidden", !plotted);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showPlot);
