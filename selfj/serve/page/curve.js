"use strict";
// What a threshold does, from /v1/calibration. No document in here.
//
// A choice is where the reader has set the slider: {threshold, coverage, quality, low, confidence, promise}. `threshold` null
// answers everything; `promise` is the card's entry if it stands on one, else null.

/** The choice at one point of the curve. */
function choiceAt(card, point) {
  return {
    threshold: point.threshold, coverage: point.coverage, quality: point.quality, low: point.quality_low,
    confidence: card.confidence, promise: null,
  };
}

/** The choice that a promise stands for; what it was not seen to do itself is read from the curve. */
function choiceOf(card, promise) {
  const near = pointFrom(card.curve, promise.threshold ?? 0) ?? {coverage: null, quality: null, quality_low: null};
  return {
    threshold: promise.threshold, coverage: promise.coverage ?? near.coverage, quality: promise.quality ?? near.quality,
    low: promise.lower_bound ?? near.quality_low, confidence: promise.confidence ?? card.confidence, promise,
  };
}

/** The choice of a bare score, where nothing was calibrated. */
function choiceOfScore(threshold) {
  return {threshold, coverage: null, quality: null, low: null, confidence: null, promise: null};
}

/** The curve's lowest threshold that is at least `threshold`; its last one if none is. */
function pointFrom(curve, threshold) {
  return curve.find((point) => point.threshold >= threshold) ?? curve[curve.length - 1];
}

/** Index of the point whose coverage is nearest. */
function nearest(curve, coverage) {
  const distance = (point) => Math.abs(point.coverage - coverage);
  return curve.reduce((best, point, index) => (distance(point) < distance(curve[best]) ? index : best), 0);
}

/** Whether an answer with this score is given. Without a score only "always" gives it. */
function isAnswered(choice, score) {
  return choice.threshold === null || (score !== null && score >= choice.threshold);
}

/** The sentence of a declined request, as the endpoint would write it. */
function refusalSentence(card, choice, score, reason) {
  if (score === null) return `I would rather not answer this: the answer I would have given could not be judged (${reason}).`;
  const promise = choice.promise?.name ?? (choice.coverage === null ? "the slider" : `coverage=${choice.coverage.toFixed(2)}`);
  const values = {score: scoreText(score, choice.threshold), threshold: scoreText(choice.threshold, score), promise};
  return card.refusal.replace(/\{(score|threshold|promise)[^}]*\}/g, (_, name) => values[name]);
}

/** A score with the fewest decimals, at least one, that tell it from another one: 5.49 is not shown as 5.5 beside 5.5. */
function scoreText(score, other = null) {
  const same = (digits) => other !== null && other !== score && score.toFixed(digits) === other.toFixed(digits);
  return score.toFixed([1, 2, 3, 4, 5, 6, 7, 8].find((digits) => !same(digits)) ?? 9);
}

/** "80 %"; one decimal where whole percent would say too little. */
function percent(share) {
  const value = 100 * share;
  return `${value > 0 && value < 1 ? value.toFixed(1) : Math.round(value)} %`;
}

/** A promise in words: "quality at least 0.7". */
function inWords(promise) {
  const words = {
    coverage: () => `coverage at least ${percent(promise.target)}`,
    quality: () => `quality at least ${promise.target}`,
    risk: () => `risk at most ${promise.target}`,
  };
  return words[promise.kind]?.() ?? promise.name;
}
