"use strict";
// What is shown of one answer: verdict, score, promises, candidates.

const FIRST_SHOWN = 8;
const find = (id) => document.getElementById(id);

/** Show a new result. */
function showResult(card, choice, asked, drawn, seconds) {
  const answer = drawn.candidates[0];
  find("result").hidden = false;
  find("nothing-yet").hidden = true;
  find("asked").textContent = asked;
  find("withheld").open = false;
  find("score").hidden = answer.probabilities === null;
  find("score-value").textContent = answer.score === null ? "" : answer.score.toFixed(1);
  find("usage").textContent = usageInWords(drawn, seconds);
  showCandidates(drawn.candidates);
  showDecision(card, choice, drawn);
}

/** Everything in the result that depends on the slider. */
function showDecision(card, choice, drawn) {
  const answer = drawn.candidates[0];
  const answered = isAnswered(choice, answer.score);
  find("verdict").replaceChildren(verdictMark(answered, answered ? "Answered" : "Declined"));
  find("because").textContent = becauseOf(choice, answer);
  find("answer").textContent = answered ? answer.content : refusalSentence(card, choice, answer.score, answer.reason);
  find("answer").classList.toggle("refusal", !answered);
  find("withheld").hidden = answered;
  find("withheld-text").textContent = answer.content;
  find("score-caption").textContent = "How likely the judge finds each score; the score is their mean";
  find("distribution").replaceChildren(...distributionOf(answer, choice.threshold));
  showPromises(card, choice, answer);
  decideCandidates(choice);
}

/** "Answered: …" for the live region. */
function decisionInWords(choice, drawn) {
  const answer = drawn.candidates[0];
  return `${isAnswered(choice, answer.score) ? "Answered" : "Declined"}. ${becauseOf(choice, answer)}`;
}

function becauseOf(choice, answer) {
  const cut = answer.finish_reason === "length" ? " The answer was cut at its longest length." : "";
  if (answer.score === null) return `The answer could not be judged: ${answer.reason}.${cut}`;
  return `The judge gives it ${scoreText(answer.score, choice.threshold)} of 9; ${ruleInWords(choice, answer.score)}.${cut}`;
}

function ruleInWords({promise, threshold}, score) {
  if (threshold === null) return "“always” gives every answer";
  return `${promise ? `“${inWords(promise)}”` : "this setting"} answers from ${scoreText(threshold, score)}`;
}

function showPromises(card, choice, answer) {
  find("promises").hidden = card.promises.length < 2;
  find("promise-rows").replaceChildren(...card.promises.map((promise) => promiseRow(card, choice, promise, answer)));
}

function promiseRow(card, choice, promise, answer) {
  const chosen = promise === choice.promise;
  const from = promise.threshold === null ? "any score" : promise.threshold.toFixed(1);
  const name = element("th", {scope: "row"}, modelName(promise.model));
  if (promise.name === card.default) name.append(element("small", {}, `also without @: ${card.model}`));
  const cells = [element("td", {}, from), element("td", {}, verdictMark(isAnswered(choiceOf(card, promise), answer.score)))];
  return element("tr", chosen ? {class: "chosen", "aria-current": "true"} : {}, name, ...cells);
}

/** A model's name, to be broken at its @ if anywhere. */
function modelName(model) {
  const [name, promise] = model.split("@");
  return element("code", {}, name, element("wbr"), `@${promise}`);
}

function usageInWords({candidates, usage}, seconds) {
  const {policy, judge} = usage.selfj;
  const drawn = candidates.length === 1 ? "Drawn and judged" : `${candidates.length} candidates drawn and judged`;
  const tokens = `${policy.completion_tokens} tokens written, ${policy.prompt_tokens + judge.prompt_tokens} read`;
  return `${drawn} in ${seconds.toFixed(1)} s: ${tokens}.`;
}

function showCandidates(candidates) {
  find("candidates").hidden = candidates.length < 2;
  find("candidates-title").textContent = `All ${candidates.length} candidates, best first`;
  find("candidate-list").replaceChildren(...candidates.map(candidateItem));
  find("more").hidden = candidates.length <= FIRST_SHOWN;
  find("more").textContent = `Show the other ${candidates.length - FIRST_SHOWN}`;
}

function candidateItem(candidate, index) {
  const score = candidate.score === null ? "–" : candidate.score.toFixed(1);
  const preview = element("span", {class: "preview", dir: "auto"}, candidate.content.slice(0, 300) || "(empty)");
  const ranked = [element("span", {class: "rank"}, `${index + 1}`), element("b", {}, score), meter(candidate.score, null)];
  const summary = element("summary", {}, ...ranked, preview, element("span", {class: "decision"}));
  const facts = `${index === 0 ? "The answer. " : ""}Drawn as number ${candidate.number + 1}, ${candidate.tokens} tokens.`;
  const text = element("div", {class: "text", dir: "auto"}, candidate.content);
  const details = element("details", {}, summary, text, element("p", {class: "note"}, facts), ...distributionOf(candidate, null));
  const item = element("li", {}, details);
  item.score = candidate.score;
  item.hidden = index >= FIRST_SHOWN;
  return item;
}

/** Its ten bars, or why there are none. */
function distributionOf({probabilities, score, reason}, threshold) {
  if (probabilities) return [distribution(probabilities, score, threshold)];
  return [element("p", {class: "note"}, `Not judged: ${reason}.`)];
}

/** Mark each candidate by the slider, and say how many would be answered. */
function decideCandidates(choice) {
  const items = [...find("candidate-list").children];
  items.forEach((item) => decideCandidate(item, choice));
  const good = items.filter((item) => isAnswered(choice, item.score)).length;
  find("candidates-note").textContent = `${good} of ${items.length} would be answered. Open one to see it whole.`;
}

function decideCandidate(item, choice) {
  item.querySelector(".decision").replaceChildren(verdictMark(isAnswered(choice, item.score)));
  item.querySelector(".meter").replaceWith(meter(item.score, choice.threshold));
}

function showAllCandidates() {
  const items = [...find("candidate-list").children];
  items.forEach((item) => { item.hidden = false; });
  find("more").hidden = true;
  items[FIRST_SHOWN].querySelector("summary").focus();
}
