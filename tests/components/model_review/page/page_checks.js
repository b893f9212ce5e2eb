// Checks of page_checks.py that only a browser can make; each function returns a list.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const named = (element) =>
  `<${element.tagName.toLowerCase()} class="${element.getAttribute("class") ?? ""}"> ` +
  element.textContent.trim().slice(0, 60);

function overflow() {
  const page = document.scrollingElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  const wide = all("body *").filter((one) => one.getBoundingClientRect().right > page.clientWidth);
  return [`${page.scrollWidth} px in ${page.clientWidth} px`, ...wide.slice(0, 5).map(named)];
}

function namelessPictures() {
  const images = all("img").filter((one) => !one.hasAttribute("alt"));
  const charts = all("svg:not([aria-hidden=true])")
    .filter((one) => !one.parentElement.closest("svg"))
    .filter((one) => one.getAttribute("role") !== "img" || !pictureName(one));
  return [...images, ...charts].map(named);
}

function pictureName(svg) {
  const by = (svg.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean);
  const texts = by.map((id) => document.getElementById(id)?.textContent ?? "");
  const title = svg.querySelector(":scope > title")?.textContent ?? "";
  return [svg.getAttribute("aria-label") ?? "", title, ...texts].join("").trim();
}

function brokenOutline() {
  const headings = all("h1, h2, h3, h4, h5, h6");
  const wrong = headings.filter((one, place) => {
    const before = place ? Number(headings[place - 1].tagName[1]) : 0;
    const level = Number(one.tagName[1]);
    return level > before + 1 || (level === 1) !== (place === 0) || !one.textContent.trim();
  });
  return headings.length ? wrong.map(named) : ["no heading"];
}

function badTables() {
  return all("table").flatMap((table) => {
    const wrong = [];
    const caption = table.querySelector(":scope > caption");
    if (!caption?.textContent.trim()) wrong.push("no caption");
    const headers = all("th", table);
    if (!headers.length) wrong.push("no header");
    if (headers.some((one) => !["col", "row", "colgroup", "rowgroup"].includes(one.scope)))
      wrong.push("a header without scope");
    return wrong.map((what) => `${what}: ${named(table)}`);
  });
}

function deadLinks() {
  const ids = all("[id]").map((one) => one.id);
  const twice = ids.filter((id, place) => ids.indexOf(id) !== place);
  const links = all('a[href^="#"]').map((one) => one.getAttribute("href").slice(1));
  const dead = links.filter((id) => !document.getElementById(decodeURIComponent(id)));
  return [...twice.map((id) => `twice: ${id}`), ...dead.map((id) => `no target: ${id}`)];
}

function activeContent() {
  const elements = all(
    "script, iframe, object, embed, form, input, base, link:not([rel=icon]), meta[http-equiv=refresh]");
  const handlers = all("*").filter((one) =>
    one.getAttributeNames().some((name) => name.startsWith("on")));
  const links = all("[href], [src]").filter((one) => {
    const address = one.getAttribute("href") ?? one.getAttribute("src");
    return !/^(#|data:(image\/|,$))/.test(address);
  });
  return [...elements, ...handlers, ...links].map((one) => one.outerHTML.slice(0, 120));
}

function foreignContent() {
  const elements = all(
    "script, iframe, object, embed, base, link:not([rel=icon]), meta[http-equiv=refresh], " +
    "form:not([method=get]), [style]");
  const handlers = all("*").filter((one) =>
    one.getAttributeNames().some((name) => name.startsWith("on")));
  const links = all("[href], [src], [action]").filter((one) => {
    const address = one.getAttribute("href") ?? one.getAttribute("src") ?? one.getAttribute("action");
    return !/^(#|data:(image\/|,$)|\/pages(\?|\/|$))/.test(address);
  });
  return [...elements, ...handlers, ...links].map((one) => one.outerHTML.slice(0, 120));
}

function unprinted() {
  const hidden = all("details > :not(summary)").filter(
    (one) => !one.checkVisibility() || !one.getClientRects().length);
  const dark = all("html, body, body *:not(svg *)").filter((one) => {
    const color = parsed(getComputedStyle(one).backgroundColor);
    return color[3] > 0.5 && luminance(color) < 0.4;
  });
  const pale = luminance(parsed(getComputedStyle(document.body).color)) > 0.2;
  return [
    ...hidden.map((one) => `hidden: ${named(one)}`),
    ...dark.map((one) => `dark: ${named(one)}`),
    ...(pale ? ["pale text"] : []),
  ];
}

function svgTexts() {
  all("details").forEach((one) => (one.open = true));
  // What takes no clicks would not be found below a point either.
  all("svg, svg *").forEach((one) => one.style.setProperty("pointer-events", "all", "important"));
  const seen = (one) => one.checkVisibility() && painted(one)[3] > 0;
  return all("svg text").filter((one) => one.textContent.trim() && seen(one))
    .map((text) => {
      text.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
      const box = text.getBoundingClientRect();
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      // Letters are no ground: those below are the rim that text is drawn with.
      const below = document.elementsFromPoint(x, y)
        .filter((one) => !(one instanceof SVGTextContentElement));
      const ground = blended(below.map(painted).concat([canvasColor()]));
      const ink = blended([painted(text), [...ground, 1]]);
      return [text.textContent.trim().slice(0, 60), contrast(ink, ground)];
    });
}

function painted(element) {
  const style = getComputedStyle(element);
  const shape = element instanceof SVGElement && !(element instanceof SVGSVGElement);
  if (element instanceof SVGGElement) return [0, 0, 0, 0];
  const color = parsed(shape ? style.fill : style.backgroundColor);
  let alpha = color[3] * (shape ? Number(style.fillOpacity) : 1);
  for (let one = element; one; one = one.parentElement) alpha *= Number(getComputedStyle(one).opacity);
  return [...color.slice(0, 3), alpha];
}

function canvasColor() {
  const probe = document.createElement("div");
  probe.style.backgroundColor = "Canvas";
  document.body.append(probe);
  const color = parsed(getComputedStyle(probe).backgroundColor);
  probe.remove();
  return color;
}

// The topmost layer comes first, the last one is opaque.
function blended(layers) {
  return layers.reduceRight(
    (ground, [r, g, b, alpha]) =>
      [r, g, b].map((value, place) => value * alpha + (ground?.[place] ?? 255) * (1 - alpha)),
    null);
}

// Any colour of CSS, as a canvas would paint it.
function parsed(color) {
  if (color === "none" || color === "transparent") return [0, 0, 0, 0];
  const found = color.match(/^rgba?\(([^)]+)\)$/);
  if (!found) throw new Error(`a colour that this check does not know: ${color}`);
  const [r, g, b, alpha = 1] = found[1].split(/[\s,/]+/).map(Number);
  return [r, g, b, alpha];
}

// WCAG 2.2, definitions of relative luminance and of contrast ratio.
function luminance([r, g, b]) {
  const [red, green, blue] = [r, g, b].map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}
