"use strict";
// Elements, the ten bars, the curve. Texts of models and users only ever become text nodes.

const SVG = "http://www.w3.org/2000/svg";
const THUMB = 22;  // width of the slider's thumb in style.css: the curve's ends stand above the ends of its way

/** An element with attributes and children (nodes or texts). */
function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function shape(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(node, attributes, children) {
  Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
  node.append(...children);
  return node;
}

/** "✓ answered" or "✕ declined": never by colour alone. */
function verdictMark(answered, words = answered ? "answered" : "declined") {
  const path = answered ? "M3 8.5l3.2 3.2L13 4.8" : "M4 4l8 8M12 4l-8 8";
  const icon = shape("svg", {viewBox: "0 0 16 16", "aria-hidden": "true"}, shape("path", {d: path}));
  return element("span", {class: answered ? "mark good" : "mark poor"}, icon, words);
}

/** Ten bars, the score under them and the threshold across them. */
function distribution(probabilities, score, threshold) {
  const highest = Math.max(...probabilities);
  const bars = probabilities.map((share, digit) => bar(digit, share, share / highest));
  const box = element("div", {class: "bars", role: "img", "aria-label": distributionInWords(probabilities)}, ...bars);
  box.append(placed(element("i", {class: "pointer"}), score));
  if (threshold !== null) box.append(thresholdLine(threshold));
  return box;
}

function bar(digit, share, height) {
  const stem = element("i", {class: "stem"}, ...(share >= 0.005 ? [element("small", {}, `${Math.round(100 * share)}%`)] : []));
  stem.style.height = `${100 * height}%`;
  return element("div", {class: "column"}, element("div", {class: "shaft"}, stem), element("b", {}, `${digit}`));
}

function thresholdLine(threshold) {
  const side = threshold > 5 ? "line before" : "line";
  return placed(element("i", {class: side}, element("span", {}, `answers from ${threshold.toFixed(1)}`)), threshold);
}

/** Put a marker at a score of 0 to 9 on ten columns of equal width. */
function placed(marker, score) {
  marker.style.left = `${10 * (score + 0.5)}%`;
  return marker;
}

function distributionInWords(probabilities) {
  const known = probabilities.map((share, digit) => [digit, share]).filter(([, share]) => share >= 0.005);
  return `Probability of each score from 0 to 9: ${known.map(([digit, share]) => `${digit}: ${percent(share)}`).join(", ")}`;
}

/** A score as a bar on 0 to 9, with the threshold as a tick. */
function meter(score, threshold) {
  const fill = element("i");
  fill.style.width = `${(100 * (score ?? 0)) / 9}%`;
  const tick = element("b", threshold === null ? {hidden: ""} : {});
  tick.style.left = `${(100 * (threshold ?? 0)) / 9}%`;
  return element("span", {class: "meter", "aria-hidden": "true"}, fill, tick);
}

/** Quality over coverage, its lower bound, the promises, and the choice. `width` in pixels. */
function curveChart(card, choice, width) {
  const height = 168;
  const frame = chartFrame(card, width, height);
  const points = card.curve.filter((point) => point.quality !== null);
  const at = choice.coverage === null ? null : frame.x(choice.coverage);
  const seen = card.promises.filter((promise) => promise.coverage !== null && promise.quality !== null);
  return shape("svg", {viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true"},
    shape("rect", {class: "given", x: frame.x(0), y: 8, width: at === null ? 0 : at - frame.x(0), height: frame.bottom - 8}),
    ...gridOf(frame, width),
    shape("path", {class: "between", d: bandOf(points, frame)}),
    shape("path", {class: "bound", d: lineOf(points, frame, "quality_low")}),
    shape("path", {class: "quality", d: lineOf(points, frame, "quality")}),
    ...seen.map((promise) => diamond(frame, promise)),
    ...cursorOf(frame, choice, at));
}

/** Scales of the chart: `x` of a coverage, `y` of a quality, and round values for the grid. */
function chartFrame(card, width, height) {
  const values = card.curve.flatMap((point) => [point.quality, point.quality_low]).filter((value) => value !== null);
  const step = roundStep((Math.max(...values) - Math.min(...values)) / 3);
  const low = Math.floor(Math.min(...values) / step) * step;
  const high = Math.max(Math.ceil(Math.max(...values) / step) * step, low + step);
  const bottom = height - 22;
  return {
    bottom, step, low, high,
    x: (coverage) => THUMB / 2 + coverage * (width - THUMB),
    y: (quality) => bottom - ((quality - low) / (high - low)) * (bottom - 22),
  };
}

function roundStep(rough) {
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1e-6)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough) ?? power;
}

function gridOf(frame, width) {
  const digits = Math.max(0, -Math.floor(Math.log10(frame.step)));
  const count = Math.round((frame.high - frame.low) / frame.step);
  const levels = Array.from({length: count + 1}, (_, index) => frame.low + index * frame.step);
  const rows = levels.flatMap((level) => [
    shape("line", {class: "grid", x1: 0, x2: width, y1: frame.y(level), y2: frame.y(level)}),
    shape("text", {x: 0, y: frame.y(level) - 4}, level.toFixed(digits)),
  ]);
  const ends = [0, 0.25, 0.5, 0.75, 1].map((share) => shape("text", {
    x: frame.x(share), y: frame.bottom + 17, "text-anchor": share === 0 ? "start" : share === 1 ? "end" : "middle",
  }, percent(share)));
  return [...rows, ...ends];
}

function lineOf(points, frame, name) {
  const known = points.filter((point) => point[name] !== null);
  const places = known.map((point) => `${frame.x(point.coverage).toFixed(1)} ${frame.y(point[name]).toFixed(1)}`);
  return places.length ? `M${places.join("L")}` : "";
}

function bandOf(points, frame) {
  const known = points.filter((point) => point.quality_low !== null);
  const back = lineOf([...known].reverse(), frame, "quality_low").replace("M", "L");
  return known.length ? `${lineOf(known, frame, "quality")}${back}Z` : "";
}

function diamond(frame, promise) {
  const [x, y] = [frame.x(promise.coverage), frame.y(promise.quality)];
  return shape("path", {class: "promise", d: `M${x} ${y - 5}L${x + 5} ${y}L${x} ${y + 5}L${x - 5} ${y}Z`});
}

function cursorOf(frame, choice, at) {
  if (at === null) return [];
  const line = shape("line", {class: "cursor", x1: at, x2: at, y1: 8, y2: frame.bottom});
  const dot = choice.quality === null ? [] : [shape("circle", {class: "cursor", cx: at, cy: frame.y(choice.quality), r: 5})];
  return [line, ...dot];
}
