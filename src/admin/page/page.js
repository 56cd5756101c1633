// Draws the status again every few seconds. What comes from a log is put in as text; the HTML of a message is escaped
// where it is drawn, and the page's policy lets nothing in it run.
"use strict";

const EVERY_MS = 3000;
const MESSAGES = 20;
const SVG = "http://www.w3.org/2000/svg";

const at = (id) => document.getElementById(id);
const drawn = new Map();

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

const number = (n) => n.toLocaleString("en");

function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; bytes >= 1024 && unit + 1 < units.length; unit += 1) bytes /= 1024;
  return `${unit === 0 ? bytes : bytes.toFixed(1)} ${units[unit]}`;
}

function duration(seconds) {
  const parts = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
  const first = parts.findIndex(([length]) => seconds >= length);
  if (first < 0) return "0s";
  const [length, unit] = parts[first];
  const next = parts[first + 1];
  const rest = next ? Math.floor((seconds % length) / next[0]) : 0;
  return `${Math.floor(seconds / length)}${unit}${rest > 0 ? ` ${rest}${next[1]}` : ""}`;
}

function ago(time) {
  const seconds = (Date.now() - Date.parse(time)) / 1000;
  const text = seconds < 1 ? "just now" : `${duration(seconds)} ago`;
  return make("time", { datetime: time, title: time }, text);
}

// Draws a part again where what it shows has changed, and gives the focus back to what had it.
function part(id, data, draw) {
  const key = JSON.stringify(data);
  if (drawn.get(id) === key) return;
  drawn.set(id, key);
  const list = at(id);
  const focus = list.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  list.replaceChildren(...draw(data));
  if (focus !== undefined) list.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus();
}

const none = (words) => [make("li", { class: "none" }, words)];
const chip = (severity) => make("span", { class: `chip ${severity}` }, severity);

function problems(status) {
  if (status.problems.length === 0) return [make("li", { class: "good" }, "All is well")];
  return status.problems.map((problem) => make("li", { class: "bad" }, problem.text));
}

function episodes(all) {
  if (all.length === 0) return none("None is open");
  return all.map((episode) => {
    const key = Object.entries(episode.key).map(([name, value]) => `${name}: ${value}`).join(", ");
    const silence = make("button", { type: "button", class: "end", "data-key": episode.id }, "Silence…");
    silence.setAttribute("aria-label", `Silence ${episode.rule} ${key}`);
    silence.addEventListener("click", () => {
      at("target").value = episode.id;
      at("why").focus();
    });
    return make("li", {},
      make("div", { class: "head" },
        make("h3", {}, episode.rule), chip(episode.severity),
        make("span", { class: "soft" }, `${episode.count === 1 ? "once, " : `${number(episode.count)} times, the first `}`, ago(episode.opened)), silence),
      key === "" ? null : make("span", { class: "soft" }, key),
      episode.line === null ? null : make("code", { class: "line" }, episode.line));
  });
}

function spark(series, words) {
  const width = series.matches.length * 4;
  const most = Math.max(1, ...series.matches);
  const svg = document.createElementNS(SVG, "svg");
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  svg.setAttribute("viewBox", `0 0 ${width} 34`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "spark");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${words}: ${number(sum(series.matches))} matches, ${number(sum(series.alerts))} alerts`);
  const path = (name, shapes) => {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", name);
    path.setAttribute("d", shapes.join(""));
    svg.append(path);
  };
  const bars = series.matches.map((count, place) => {
    if (count === 0) return "";
    // One match among thousands is seen all the same.
    const tall = Math.max(2, Math.round((count / most) * 24));
    return `M${place * 4} 34v-${tall}h3v${tall}z`;
  });
  path("bars", bars);
  path("ticks", series.alerts.map((count, place) => (count === 0 ? "" : `M${place * 4} 6v-6h3v6z`)));
  return make("figure", {}, svg, make("figcaption", {}, words));
}

function rules(all) {
  return all.map((rule) => {
    const gates = rule.gates;
    const counts = [
      [gates.matches, "matches"], [gates.below_when, "below when"], [gates.joined, "joined"],
      [gates.silenced, "silenced"], [gates.throttled, "throttled"], [gates.posted + gates.timed, "opened"],
      [rule.open_episodes, "open now"],
    ];
    const shown = counts.filter(([count, words]) => count > 0 || words === "matches");
    // What takes less of the processor is no reason to change a rule.
    const seconds = Math.round(rule.cost.scan_seconds);
    if (seconds > 0) shown.push([seconds, "s of CPU"]);
    return make("li", {},
      make("div", { class: "head" },
        make("h3", {}, rule.name), chip(rule.severity),
        rule.last_match === null ? null : make("span", { class: "soft end" }, "last match ", ago(rule.last_match))),
      make("dl", { class: "gates" },
        ...shown.map(([count, words]) => make("div", {}, make("dt", {}, words), make("dd", {}, number(count))))),
      make("div", { class: "lines" }, spark(rule.hour, "last hour"), spark(rule.day, "last day")));
  });
}

function webhooks(all) {
  return all.map((webhook) => {
    const answer = make("td", webhook.broken === null ? {} : { class: "bad" });
    if (webhook.broken !== null) answer.append(`broken: ${webhook.broken}`);
    else answer.append(webhook.last_answer === null ? "nothing sent yet" : webhook.last_answer.words);
    if (webhook.fallback !== null) answer.append(make("span", { class: "sub" }, `its alerts go to ${webhook.fallback}`));
    if (webhook.last_answer !== null) answer.append(make("span", { class: "sub" }, ago(webhook.last_answer.at)));
    const cell = (words) => make("td", { class: "n" }, words);
    return make("tr", {},
      make("th", { scope: "row" }, webhook.name), cell(number(webhook.queue)),
      cell(webhook.oldest_seconds === null ? "–" : duration(webhook.oldest_seconds)),
      cell(number(webhook.messages)), cell(number(webhook.dead)), answer);
  });
}

function inputs(all) {
  return all.map((input) => {
    const cell = (words) => make("td", { class: "n" }, words);
    const gauge = input.gauge;
    return make("tr", {},
      make("th", { scope: "row" }, input.name), cell(number(input.lines)), cell(size(input.bytes)),
      cell(gauge === null ? input.source : number(gauge.files)), cell(gauge === null ? "–" : size(gauge.lag_bytes)),
      cell(number(input.errors + (gauge === null ? 0 : gauge.unreadable))));
  });
}

function silences(all) {
  if (all.length === 0) return none("Nothing is silenced");
  return all.map((silence) => {
    const end = make("button", { type: "button", class: "end", "data-key": silence.id }, "End");
    end.setAttribute("aria-label", `End the silence ${silence.id}`);
    end.addEventListener("click", () => change("DELETE", `api/v1/silences/${encodeURIComponent(silence.id)}`, null, "ended"));
    return make("li", {},
      make("div", { class: "head" },
        make("h3", {}, silence.why === "" ? silence.id : silence.why),
        make("span", { class: "soft" }, "until ", make("time", { datetime: silence.until }, silence.until)),
        silence.configured ? make("span", { class: "soft end" }, "of the configuration") : end),
      make("code", { class: "line" }, silence.where));
  });
}

function messages(all) {
  if (all.length === 0) return none("None yet");
  return all.map((alert) => {
    const fates = alert.webhooks.map((name) => {
      const receipt = alert.receipts.find((receipt) => receipt.webhook === name);
      return `${name}: ${receipt === undefined ? "waits" : receipt.fate.replaceAll("_", " ")}`;
    });
    const item = make("li", {}, make("div", { class: "soft head" },
      ago(alert.decided), make("span", {}, alert.kind.replaceAll("_", " ")), make("span", {}, fates.join(", "))));
    const template = document.createElement("template");
    template.innerHTML = alert.html;
    item.append(template.content);
    return item;
  });
}

async function get(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.json();
}

function say(live) {
  const words = live ? "live" : "not connected";
  if (at("state").textContent !== words) at("state").textContent = words;
  at("state").classList.toggle("live", live);
}

async function look() {
  const [status, byRule, open, past] = await Promise.all([
    get("api/v1/status"), get("api/v1/rules"), get("api/v1/episodes"), get(`api/v1/history?limit=${MESSAGES}&html=true`),
  ]);
  document.title = status.ready ? "hooktail status" : "(!) hooktail status";
  at("host").textContent = status.host;
  const memory = status.process.resident_bytes === null ? "" : `, ${size(status.process.resident_bytes)} of memory`;
  at("facts").textContent = `version ${status.version}, up ${duration(status.uptime_seconds)}${memory}, ` +
    `${number(status.store.history_alerts)} alerts in the history`;
  at("open-count").textContent = status.open_episodes === 0 ? "" : number(status.open_episodes);
  // What tells how long ago something was is drawn again each minute.
  const minute = Math.floor(Date.now() / 60000);
  part("problems", status.problems, () => problems(status));
  part("episodes", [open, minute], () => episodes(open));
  part("rules", [byRule, minute], () => rules(byRule));
  part("webhooks", [status.webhooks, minute], () => webhooks(status.webhooks));
  part("inputs", status.inputs, inputs);
  part("silences", status.silences, silences);
  part("messages", [past, minute], () => messages(past));
}

async function change(method, path, body, done) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${at("token").value}` };
  try {
    const answer = await fetch(path, { method, headers, body });
    const said = await answer.json();
    at("said").textContent = answer.ok ? done : said.error;
    if (answer.status === 401) at("token").focus();
    await look();
    return answer.ok;
  } catch {
    at("said").textContent = "not connected";
    return false;
  }
}

at("silence").addEventListener("submit", async (event) => {
  event.preventDefault();
  const asked = { for: at("for").value, why: at("why").value };
  for (const name of ["target", "where"]) if (at(name).value.trim() !== "") asked[name] = at(name).value.trim();
  if (await change("POST", "api/v1/silences", JSON.stringify(asked), "silenced")) {
    for (const name of ["target", "where", "why"]) at(name).value = "";
  }
});

async function follow() {
  for (;;) {
    try {
      if (!document.hidden) await look();
      say(true);
    } catch {
      say(false);
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

follow();
