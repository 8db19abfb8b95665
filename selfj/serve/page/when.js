"use strict";
// When to answer: the slider, the promises, the curve, and what stands beside them.

function choose(choice) {
  const before = state.drawn && decisionOf(state.choice);
  state.choice = choice;
  showChoice();
  if (!state.drawn) return;
  showDecision(state.card, choice, state.drawn);
  if (decisionOf(choice) !== before) find("news").textContent = decisionInWords(choice, state.drawn);
}

function decisionOf(choice) {
  return isAnswered(choice, state.drawn.candidates[0].score);
}

function showPresets() {
  const buttons = state.card.promises.map((promise) => {
    const button = element("button", {type: "button"}, inWords(promise));
    button.promise = promise;
    button.addEventListener("click", () => choose(choiceOf(state.card, promise)));
    return button;
  });
  find("presets").replaceChildren(...buttons);
}

function showChoice() {
  const {card, choice} = state;
  const press = (button) => button.setAttribute("aria-pressed", String(button.promise === choice.promise));
  [...find("presets").children].forEach(press);
  showSlider(card, choice);
  showCurve();
  find("readout").replaceChildren(...readoutOf(choice));
  find("meaning").replaceChildren(...meaningOf(card, choice));
  showCaveat();
}

function showSlider(card, choice) {
  const slider = find("slider");
  const calibrated = card.curve.length > 0;
  slider.max = calibrated ? 100 : 9;
  slider.value = calibrated ? 100 * (choice.coverage ?? 1) : choice.threshold ?? 0;
  slider.style.setProperty("--filled", `${(100 * slider.value) / slider.max}%`);
  slider.classList.toggle("scores", !calibrated);
  slider.setAttribute("aria-valuetext", choiceInWords(choice));
  find("slider-label").textContent = calibrated ? "Coverage: instructions that are answered" : "Answer from this score on";
  find("low-end").textContent = calibrated ? "only the surest" : "0";
  find("high-end").textContent = calibrated ? "everything" : "9";
}

function choiceInWords(choice) {
  const from = choice.threshold === null ? "any score" : `score ${choice.threshold.toFixed(1)}`;
  if (choice.coverage === null) return `answers from ${from}`;
  const quality = choice.quality === null ? "" : `, mean quality ${choice.quality.toFixed(2)}`;
  return `answers ${percent(choice.coverage)} of instructions, from ${from}${quality}`;
}

function slide() {
  const {card} = state, value = Number(find("slider").value);
  if (!card.curve.length) return choose(choiceOfScore(Math.round(10 * value) / 10));
  choose(choiceAt(card, card.curve[nearest(card.curve, value / 100)]));
}

const STEPS = {
  ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity,
};

/** Arrow keys go from one point of the curve to the next, whatever the distance. */
function step(event) {
  const steps = STEPS[event.key];
  if (!steps || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  choose(stepped(state.card, state.choice, steps));
}

function stepped(card, choice, steps) {
  if (!card.curve.length) return choiceOfScore(within(10 * (choice.threshold ?? 0) + steps, 90) / 10);
  const place = nearest(card.curve, choice.coverage ?? 1);  // the curve begins with everything, the slider ends with it
  return choiceAt(card, card.curve[within(place - steps, card.curve.length - 1)]);
}

function within(number, most) {
  return Math.min(most, Math.max(0, Math.round(number)));
}

function showCurve() {
  const {card, choice} = state, box = find("curve");
  box.hidden = !card.curve.length;
  if (box.hidden || !box.clientWidth) return;
  box.setAttribute("aria-label", `Quality over coverage. ${choiceInWords(choice)}`);
  box.replaceChildren(curveChart(card, choice, box.clientWidth), legend());
}

function legend() {
  const entry = (kind, words) => element("span", {}, element("i", {class: kind}), words);
  const entries = [entry("quality", "mean quality"), entry("bound", "lower bound"), entry("promise", "promise")];
  return element("div", {class: "legend", "aria-hidden": "true"}, ...entries);
}

function readoutOf({threshold, coverage, quality, low, confidence}) {
  const sure = confidence === null ? "at least" : `at least, with ${percent(confidence)} confidence`;
  const entries = [
    ["of instructions answered", coverage, percent],
    ["score from which answers are given", threshold ?? "any", (value) => (value === "any" ? value : value.toFixed(1))],
    ["mean quality of what is answered", quality, (value) => value.toFixed(2)],
    [sure, low, (value) => value.toFixed(2)],
  ];
  const known = entries.filter(([, value]) => value !== null);
  return known.map(([words, value, format]) => element("div", {}, element("dt", {}, words), element("dd", {}, format(value))));
}

function meaningOf(card, choice) {
  if (!card.curve.length) return uncalibrated();
  const seen = `, from ${card.scale[0]} to ${card.scale[1]}, on ${card.instructions} calibration instructions. `;
  return ["Quality: ", element("b", {}, choice.promise?.on ?? card.on), seen, worthOf(choice)];
}

function worthOf({promise, threshold, confidence}) {
  if (promise && threshold !== null) return `Promised with ${percent(confidence)} confidence: ${inWords(promise)}.`;
  return "A point of the curve, not a promise: its lower bound holds for this threshold by itself.";
}

function uncalibrated() {
  const command = element("code", {}, "selfj calibrate");
  return ["This judge was not calibrated: nothing is promised for any score. ", command, " makes promises."];
}

/** The figures were made with single answers and default sampling: say when what is asked is something else. */
function showCaveat() {
  const bestOf = Number(find("best-of").value);
  const changed = Object.keys(changedSampling()).filter((name) => name !== "seed");
  const best = bestOf > 1 ? [`the best of ${bestOf} (which is answered more often)`] : [];
  const reasons = [...best, ...changed.map((name) => `another ${name.replace("_", " ")}`)];
  find("best-of-note").hidden = bestOf === 1;
  find("caveat").textContent = `The figures are for single answers, sampled as in the run. You ask for ${reasons.join(" and ")}.`;
  find("caveat").hidden = !reasons.length || !state.card.curve.length;
}
