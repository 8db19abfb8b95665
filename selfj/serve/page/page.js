"use strict";
// State and events.

/** `card`: /v1/calibration; `choice`: where the slider stands; `drawn`: the last result; `running`: an AbortController. */
const state = {card: null, choice: null, drawn: null, running: null};
const PARTS = ["loading", "unreachable", "sign-in", "work"];

function showPart(id) {
  PARTS.forEach((part) => { find(part).hidden = part !== id; });
  find("forget").hidden = !(id === "work" && storedKey());
}

function showProblem(id, sentence) {
  find(id).textContent = sentence;
  find(id).hidden = !sentence;
}

// Beginning, and the key

async function begin() {
  showPart("loading");
  try {
    start(await readCard());
  } catch (problem) {
    if (problem.status === 401) return askForKey(storedKey() ? "This key is not accepted." : "");
    if (!(problem instanceof Problem)) throw problem;
    find("unreachable-reason").textContent = problem.sentence;
    showPart("unreachable");
  }
}

function start(card) {
  state.card = card;
  find("model").textContent = card.model;
  document.title = `${card.model} · Self-J`;
  fillControls(card);
  showPart("work");
  showPresets();
  choose(choiceOf(card, card.promises.find((promise) => promise.name === card.default)));
  find("instruction").focus();
}

function askForKey(sentence) {
  storeKey("");
  showPart("sign-in");
  showProblem("key-problem", sentence);
  find("key").value = "";
  find("key").focus();
}

function signIn(event) {
  event.preventDefault();
  const key = find("key").value.trim();
  if (!isSendable(key)) return showProblem("key-problem", key ? "A key has only letters, digits and signs, without spaces." : "Enter a key.");
  storeKey(key);
  begin();
}

function forget() {
  state.running?.abort();
  clearResult();
  askForKey("");
}

function clearResult() {
  state.drawn = null;
  find("result").hidden = find("candidates").hidden = true;
  ["asked", "answer", "withheld-text", "candidate-list"].forEach((id) => find(id).replaceChildren());
  find("instruction").value = "";
}

// Asking

function fillControls(card) {
  const numbers = [1, 2, 4, 8, 16, 32, 64].filter((number) => number <= card.limits.best_of);
  find("best-of").replaceChildren(...numbers.map((number) => element("option", {value: number}, number === 1 ? "1" : `best of ${number}`)));
  find("temperature").value = find("temperature").defaultValue = card.sampling.temperature;
  find("max-tokens").value = find("max-tokens").defaultValue = card.sampling.max_tokens;
  find("max-tokens").max = card.limits.max_tokens;
  find("instruction").maxLength = card.limits.text_characters;
  find("shortcut").textContent = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘ + Enter" : "Ctrl + Enter";
}

/** Only what was changed, so that the endpoint's defaults stay its own. */
function changedSampling() {
  const fields = {temperature: "temperature", max_tokens: "max-tokens", seed: "seed"};
  const changed = Object.entries(fields).filter(([, id]) => find(id).value !== "" && find(id).value !== find(id).defaultValue);
  return Object.fromEntries(changed.map(([name, id]) => [name, Number(find(id).value)]));
}

async function ask(event) {
  event.preventDefault();
  const instruction = find("instruction").value.trim();
  if (!instruction) return refuseToAsk();
  if (state.running) return;
  const request = {instruction, bestOf: Number(find("best-of").value), sampling: changedSampling()};
  const began = performance.now();
  setRunning(new AbortController(), request.bestOf);
  try {
    state.drawn = await drawAnswers(state.card, request, state.running.signal);
    showNew(instruction, (performance.now() - began) / 1000);
  } catch (problem) {
    failed(problem);
  } finally {
    setRunning(null);
  }
}

function refuseToAsk() {
  showProblem("problem", "Type an instruction first.");
  find("instruction").focus();
}

function setRunning(running, bestOf = 0) {
  state.running = running;
  find("stop").hidden = find("progress").hidden = !running;
  find("send").disabled = Boolean(running);
  find("result").setAttribute("aria-busy", String(Boolean(running)));
  if (!running) return;
  showProblem("problem", "");
  find("news").textContent = bestOf === 1 ? "Drawing an answer and judging it …" : `Drawing ${bestOf} answers and judging them …`;
}

function showNew(instruction, seconds) {
  showResult(state.card, state.choice, instruction, state.drawn, seconds);
  find("news").textContent = decisionInWords(state.choice, state.drawn);
  showCaveat();
  find("result").scrollIntoView({block: "nearest", behavior: calm() ? "auto" : "smooth"});
}

function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

function failed(problem) {
  find("news").textContent = "";
  if (problem.name === "AbortError") return showProblem("problem", "Stopped.");
  if (problem.status === 401) return askForKey("This key is not accepted any more.");
  if (!(problem instanceof Problem)) throw problem;
  showProblem("problem", problem.sentence);
}

// The slider

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
  [...find("presets").children].forEach((button) => button.setAttribute("aria-pressed", String(button.promise === choice.promise)));
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
  find("slider-label").textContent = calibrated ? "Coverage: share of instructions that are answered" : "Answer from this score on";
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

/** Arrow keys go from one point of the curve to the next, whatever the distance. */
function step(event) {
  const {card, choice} = state;
  const steps = {ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity}[event.key];
  if (!steps || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  if (!card.curve.length) return choose(choiceOfScore(Math.min(9, Math.max(0, Math.round(10 * (choice.threshold ?? 0) + steps) / 10))));
  const last = card.curve.length - 1;  // the curve goes from everything to hardly anything, the slider the other way
  choose(choiceAt(card, card.curve[Math.min(last, Math.max(0, nearest(card.curve, choice.coverage ?? 1) - steps))]));
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
  return element("div", {class: "legend", "aria-hidden": "true"}, entry("quality", "mean quality"), entry("bound", "lower bound"), entry("promise", "promise"));
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
  if (!card.curve.length) return ["This judge was not calibrated: nothing is promised for any score. ", element("code", {}, "selfj calibrate"), " makes promises."];
  const on = choice.promise?.on ?? card.on;
  const quality = ["Quality is ", element("b", {}, on), `, from ${card.scale[0]} to ${card.scale[1]}, seen on ${card.instructions} calibration instructions. `];
  const by = choice.promise && choice.promise.threshold !== null
    ? `A promise: it holds with ${percent(choice.confidence)} confidence.`
    : "A point of the curve, not a promise: its lower bound holds for this threshold by itself.";
  return [...quality, by];
}

/** The figures were made with single answers and default sampling: say when what is asked is something else. */
function showCaveat() {
  const bestOf = Number(find("best-of").value);
  const changed = Object.keys(changedSampling()).filter((name) => name !== "seed");
  const reasons = [...(bestOf > 1 ? [`the best of ${bestOf}, which is answered more often`] : []), ...changed.map((name) => `${name} changed`)];
  find("best-of-note").hidden = bestOf === 1;
  find("caveat").textContent = `These figures are for single answers with the run's own sampling. You ask for: ${reasons.join("; ")}.`;
  find("caveat").hidden = !reasons.length || !state.card.curve.length;
}

find("ask").addEventListener("submit", ask);
find("ask").addEventListener("change", showCaveat);
find("instruction").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) find("ask").requestSubmit();
});
find("stop").addEventListener("click", () => state.running?.abort());
find("sign-in").addEventListener("submit", signIn);
find("forget").addEventListener("click", forget);
find("retry").addEventListener("click", begin);
find("more").addEventListener("click", showAllCandidates);
find("slider").addEventListener("input", slide);
find("slider").addEventListener("keydown", step);
new ResizeObserver(() => state.card && showCurve()).observe(find("curve"));
begin();
