// For class: a link to a step, the picture of now as a file, and large type.

const isFramed = location.protocol === "about:"; // a notebook's frame has no address, and saves nothing

// --- a link to a step: #step=12, or #units=3 ------------------------------------------------------

function stepInLink() {
  const [, name, step] = /^#(step|units|order)=(\d+)$/.exec(location.hash) ?? [];
  return name && { name: name === "step" ? "nodes" : name, step: Number(step) };
}

function goToLink(link) {
  if (!link || !modes[link.name].steps.length) return;
  if (link.name !== mode) choose("mode", link.name);
  if (link.step !== steps[mode]) go(link.step);
}

function writeLink() {
  if (!isFramed) history.replaceState(null, "", `#${mode === "nodes" ? "step" : mode}=${steps[mode]}`);
}

addEventListener("hashchange", () => goToLink(stepInLink()));

// --- the picture of now ---------------------------------------------------------------------------

const LOOK = "paper ink grey line card forward forward-fill backward backward-fill wrong plus minus plus-line minus-line pass pass-fill".split(" ");

// The pictures in view, each with the page's style, as it looks now.
function pictures() {
  const style = getComputedStyle(document.body);
  return [...document.querySelectorAll(".view > svg, #plot")].filter((svg) => svg.clientWidth).map((svg) => {
    const copy = svg.cloneNode(true), [, , width, height] = svg.getAttribute("viewBox").split(" ");
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    for (const name of LOOK) copy.style.setProperty(`--${name}`, style.getPropertyValue(`--${name}`));
    copy.style.background = style.backgroundColor;
    copy.style.fontFamily = style.fontFamily;
    const sheet = document.createElementNS(svg.namespaceURI, "style");
    sheet.textContent = document.querySelector("style").textContent;
    copy.prepend(sheet);
    return { name: svg.id, width, height, text: new XMLSerializer().serializeToString(copy) };
  });
}

function save(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function saveSvg() {
  for (const { name, text } of pictures()) save(`${name}.svg`, new Blob([text], { type: "image/svg+xml" }));
}

async function savePng() {
  for (const { name, width, height, text } of pictures()) {
    const image = new Image(), canvas = document.createElement("canvas");
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    await image.decode();
    const scale = Math.min(2, 8000 / Math.max(width, height)); // what browsers agree to draw
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => save(`${name}.png`, blob));
  }
}

// --- large type -----------------------------------------------------------------------------------

function toggleLarge() {
  const isLarge = document.body.classList.toggle("large");
  at("large").setAttribute("aria-pressed", isLarge);
  resize();
}

at("svg").addEventListener("click", saveSvg);
at("png").addEventListener("click", savePng);
at("svg").hidden = at("png").hidden = isFramed;

// --- the page is ready ----------------------------------------------------------------------------

document.body.classList.add("scripted");
document.body.classList.toggle("no-network", !page.units);
for (const input of document.querySelectorAll("[value=units]")) input.disabled = !page.units;
collect();
enliven();
setShown("graph");
const linked = stepInLink(); // before the first step writes its own
setMode("nodes");
goToLink(linked);
showNumbers();
