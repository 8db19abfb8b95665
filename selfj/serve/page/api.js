"use strict";
// The endpoint: requests, the API key, errors as one sentence.

const KEY_NAME = "selfj-key";
let keyInMemory = "";

/** The key of this tab, or "". */
function storedKey() {
  try { return sessionStorage.getItem(KEY_NAME) ?? ""; } catch { return keyInMemory; }
}

/** Keep a key for this tab, or forget it (""). Where the browser forbids storage it lasts until the page is left. */
function storeKey(key) {
  keyInMemory = key;
  try { key ? sessionStorage.setItem(KEY_NAME, key) : sessionStorage.removeItem(KEY_NAME); } catch { /* in memory only */ }
}

/** Whether a key can be sent in a header at all. */
function isSendable(key) {
  return /^[\x21-\x7e]+$/.test(key);
}

/** An error to be shown. `status` 0: the endpoint was not reached. */
class Problem extends Error {
  constructor(status, message, retryAfter = null, requestId = null) {
    super(message);
    Object.assign(this, {status, retryAfter, requestId});
  }

  /** The sentence for the reader. */
  get sentence() {
    const wait = this.retryAfter ? ` Try again in ${this.retryAfter} s.` : "";
    const id = this.requestId && this.status >= 500 ? ` (request ${this.requestId})` : "";
    return `${this.message.replace(/[.\s]*$/, "")}${id}.${wait}`;
  }
}

/** JSON of a route (an address relative to the page). Raises Problem; AbortError if `signal` ends it. */
async function call(route, body = null, signal = undefined) {
  const key = storedKey();
  const headers = {Accept: "application/json", ...(key && {Authorization: `Bearer ${key}`})};
  const post = body && {method: "POST", body: JSON.stringify(body), headers: {...headers, "Content-Type": "application/json"}};
  const response = await reached(fetch(route, {headers, cache: "no-store", credentials: "omit", signal, ...post}));
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw problemOf(response, answer);
  if (answer === null) throw new Problem(response.status, "The endpoint sent something that is not JSON");
  return answer;
}

async function reached(request) {
  try {
    return await request;
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new Problem(0, "The endpoint could not be reached");
  }
}

function problemOf(response, answer) {
  const message = answer?.error?.message ?? `The endpoint answered with status ${response.status}`;
  return new Problem(response.status, message, response.headers.get("Retry-After"), response.headers.get("X-Request-Id"));
}

/** What may be promised, and the curve. */
function readCard() {
  return call("v1/calibration");
}

/** The first choice of a completion, and its usage, with nothing declined: the page decides by its slider. */
async function drawAnswers(card, {instruction, bestOf, sampling}, signal) {
  const completion = await call("v1/chat/completions", {
    model: `${card.model}@always`,
    messages: [{role: "user", content: instruction}],
    ...sampling,
    selfj: {best_of: bestOf, at_a_time: bestOf, adaptive: false, candidates: true},
  }, signal);
  const [choice] = completion.choices;
  return {verdict: choice.selfj, candidates: candidatesOf(choice), usage: completion.usage};
}

function candidatesOf(choice) {
  const alone = {...choice.selfj, content: choice.message.content ?? "", finish_reason: choice.finish_reason};
  return choice.selfj.candidates ?? [alone];
}
