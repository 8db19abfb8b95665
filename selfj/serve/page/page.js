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
  if (!matchMedia("(pointer: coarse)").matches) find("instruction").focus();  // it would bring up a phone's keyboard
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
  if (!key) return showProblem("key-problem", "Enter a key.");
  if (!isSendable(key)) return showProblem("key-problem", "A key has only letters, digits and signs, without spaces.");
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
  find("nothing-yet").hidden = false;
  ["asked", "answer", "withheld-text", "candidate-list"].forEach((id) => find(id).replaceChildren());
  find("instruction").value = "";
}

// Asking

function fillControls(card) {
  const numbers = [1, 2, 4, 8, 16, 32, 64].filter((number) => number <= card.limits.best_of);
  const words = (number) => (number === 1 ? "one answer" : `best of ${number}`);
  find("best-of").replaceChildren(...numbers.map((number) => element("option", {value: number}, words(number))));
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
  find("news").textContent = `Drawing and judging ${bestOf === 1 ? "an answer" : `${bestOf} answers`} …`;
}

function showNew(instruction, seconds) {
  showResult(state.card, state.choice, instruction, state.drawn, seconds);
  find("news").textContent = decisionInWords(state.choice, state.drawn);
  showCaveat();
  find("answer").scrollIntoView({block: "nearest", behavior: calm() ? "auto" : "smooth"});
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

find("ask").addEventListener("submit", ask);
find("ask").addEventListener("change", showCaveat);
find("ask").addEventListener("invalid", (event) => { event.target.closest("details").open = true; }, true);
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
