// The outputs of the model over its inputs, with the data points: for one input a curve, for two the
// plane in colours, with lines of equal output. The axes stay as they are while numbers change.

const plotted = isChangeable && page.points?.inputs.length <= 2 ? page.points : null;
const isPlane = plotted?.inputs.length === 2;
const FRAME = { left: 54, right: 296, top: 8, bottom: 216 };
const MOST_CELLS = 40; // of the plane along a side
const MOST_EVALUATIONS = 30_000; // of nodes, for a picture
const PIECES = 120; // of a curve
const onTheWay = plotted ? nodesOnTheWay() : [];

// --- the outputs anywhere -------------------------------------------------------------------------

// The nodes on the way from the inputs to the outputs, in order.
function nodesOnTheWay() {
  const follows = [], isNeeded = nodes.map((_, i) => plotted.outputs.includes(i));
  nodes.forEach(({ parents }, i) => follows.push(plotted.inputs.includes(i) || parents.some((parent) => follows[parent])));
  for (let i = root; i >= 0; i--) if (isNeeded[i]) for (const parent of nodes[i].parents) isNeeded[parent] = true;
  return [...nodes.keys()].filter((i) => isNeeded[i] && follows[i] && nodes[i].parents.length);
}

// Output k as a function of the inputs, with the weights of now.
function outputFunction(k) {
  const { inputs, outputs, link } = plotted, data = nodes.map((node) => node.data);
  const calls = onTheWay.map((i) => ({
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
  const low = Math.min(...numbers), high = Math.max(...numbers), margin = 0.12 * (high - low) || 1;
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

const column = (k) => recordedRows.map((row) => row[k]);
const targetOf = (k) => plotted.inputs.length + Math.min(k, plotted.targets.length - 1); // its place in a row

// What a target of output k may be.
function levelsOf(k) {
  if (plotted.link) return [0, 1];
  const targets = column(targetOf(k)), low = Math.min(...targets), high = Math.max(...targets);
  return low < high ? [low, high] : [low - 1, low + 1];
}

const axes = plotted && {
  x: span(column(0)),
  y: isPlane && span(column(1)),
  heights: new Map(), // of the curves, by output
};

// The targets, and the curve as far as it is not too far away.
function heightOf(k, curve) {
  if (!axes.heights.has(k)) {
    const [low, high] = levelsOf(k), room = high - low;
    const isNear = (y) => y > low - room && y < high + room;
    axes.heights.set(k, span([...column(targetOf(k)), ...curve.filter(isNear)]));
  }
  return axes.heights.get(k);
}

// --- drawing --------------------------------------------------------------------------------------

function draw(parent, tag, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
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

const inputName = (i) => nodes[plotted.inputs[i]]?.name ?? `x${SUB}${i + 1}${END}`;

function outputName(k) {
  if (plotted.link === "softmax") return `softmax(y)${SUB}${k + 1}${END}`;
  const name = nodes[plotted.outputs[k]]?.name ?? `y${SUB}${k + 1}${END}`;
  return plotted.link ? `${plotted.link}(${name})` : name;
}

function showPlot() {
  if (!plotted) return;
  const svg = at("plot"), k = Math.max(0, at("output").selectedIndex), f = outputFunction(k);
  const { left, right, top, bottom } = FRAME, frame = { x: left, y: top, width: right - left, height: bottom - top };
  svg.replaceChildren();
  draw(draw(svg, "clipPath", { id: "frame" }), "rect", frame);
  draw(svg, "rect", { ...frame, class: "frame" });
  const inside = draw(svg, "g", { "clip-path": "url(#frame)" });
  const across = between(axes.x, [left, right]);
  const curve = isPlane ? [] : Array.from({ length: PIECES + 1 }, (_, i) => f(between([0, PIECES], axes.x)(i)));
  const y = isPlane ? axes.y : heightOf(k, curve), up = between(y, [bottom, top]);
  const words = isPlane ? drawPlane(inside, f, k) : drawCurve(inside, curve, up, k);
  drawPoints(inside, k, (row) => [across(row[0]), up(row[isPlane ? 1 : targetOf(k)])]);
  for (const x of ticks(axes.x)) draw(svg, "text", { x: across(x), y: bottom + 15, class: "tick" }, show(x, 3));
  for (const x of ticks(y)) draw(svg, "text", { x: left - 5, y: up(x) + 4, class: "tick left" }, show(x, 3));
  drawName(svg, { x: (left + right) / 2, y: bottom + 30 }, inputName(0));
  if (isPlane) drawName(svg, { x: 12, y: (top + bottom) / 2 }, inputName(1));
  write(replace(at("caption")), words);
  svg.setAttribute("aria-label", spoken(`${outputName(k)} over ${plotted.inputs.map((_, i) => inputName(i)).join(" and ")}. ${words}`));
}

function drawCurve(parent, curve, up, k) {
  const x = between([0, PIECES], [FRAME.left, FRAME.right]);
  const pen = (i) => (Number.isNaN(curve[i - 1] ?? NaN) ? "M" : "L");
  const height = (y) => Math.max(-1e4, Math.min(1e4, up(y))).toFixed(1); // far outside is far enough
  const points = curve.map((y, i) => (Number.isNaN(y) ? "" : `${pen(i)}${x(i).toFixed(1)},${height(y)}`));
  draw(parent, "path", { d: points.join(""), class: "curve" });
  return `Line: ${outputName(k)}. Points: the targets; with a ring that of n.`;
}

let drawn = null; // the points, and of what

// The chosen point has a ring; in a plane a high target is a circle, a low one a square.
function drawPoints(svg, k, place) {
  if (drawn?.of[0] === rows && drawn.of[1] === chosen && drawn.of[2] === k) return svg.append(drawn.layer);
  const parent = draw(svg, "g", {});
  drawn = { layer: parent, of: [rows, chosen, k] };
  const [low, high] = levelsOf(k), middle = (low + high) / 2;
  rows.forEach((row, n) => {
    const [x, y] = place(row), isHigh = !isPlane || row[targetOf(k)] >= middle, group = draw(parent, "g", { class: "point" });
    if (n === chosen) draw(group, "circle", { cx: x, cy: y, r: 9, class: "ring" });
    if (isHigh) draw(group, "circle", { cx: x, cy: y, r: 4.5 });
    else draw(group, "rect", { x: x - 4.5, y: y - 4.5, width: 9, height: 9, class: "low" });
    draw(group, "title", {}, `n = ${n + 1}`);
    group.addEventListener("click", () => choosePoint(n));
  });
}

// --- the plane ------------------------------------------------------------------------------------

function drawPlane(parent, f, k) {
  const n = Math.max(8, Math.min(MOST_CELLS, Math.floor(Math.sqrt(MOST_EVALUATIONS / Math.max(1, onTheWay.length)))));
  const x = between([0, n], axes.x), y = between([0, n], axes.y);
  const grid = Array.from({ length: n + 1 }, (_, j) => Array.from({ length: n + 1 }, (_, i) => f(x(i), y(j))));
  const [low, high] = levelsOf(k), width = (FRAME.right - FRAME.left) / n, height = (FRAME.bottom - FRAME.top) / n;
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
  return `Blue to orange: ${outputName(k)} from ${show(low, 3)} to ${show(high, 3)}, with lines at ${first}, ${middle} (thick) and ${last}. Circles: targets from ${middle} on; squares: below; with a ring that of n.`;
}

// A picture with a pixel for each number, the highest row at the top.
function inColours(grid, low, high) {
  const size = grid.length, canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
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

if (plotted) {
  plotted.outputs.forEach((_, k) => { add(at("output"), "option").textContent = plain(outputName(k)); });
  at("output").parentElement.hidden = plotted.outputs.length === 1;
  at("output").addEventListener("change", showPlot);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showPlot);
}
for (const id of ["plot", "caption"]) at(id).toggleAttribute("hidden", !plotted);
if (!plotted) at("output").parentElement.hidden = true;
