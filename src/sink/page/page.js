// Asks for what came after the newest message on the page, again and again; each question is kept open until there
// is something. The HTML of a message is escaped where it is drawn, and the page's policy lets nothing in it run.
"use strict";

const SHOWN_MAX = 200;
const RETRY_MS = 2000;

const list = document.getElementById("messages");
const state = document.getElementById("state");
const started = document.body.dataset.started;
let newest = Number(document.body.dataset.newest);

function say(live) {
  const words = live ? "live" : "not connected";
  if (state.textContent !== words) state.textContent = words;
  state.classList.toggle("live", live);
}

function show(message) {
  const template = document.createElement("template");
  template.innerHTML = message.html;
  const item = template.content.firstElementChild;
  item.classList.add("fresh");
  list.prepend(item);
  while (list.children.length > SHOWN_MAX) list.lastElementChild.remove();
}

async function ask() {
  const answer = await fetch(`messages.json?since=${newest}&wait=25`, { cache: "no-store" });
  if (!answer.ok) throw new Error(answer.statusText);
  const news = await answer.json();
  if (news.started !== started) return location.reload();
  news.messages.forEach(show);
  newest = news.newest;
  document.getElementById("accepted").textContent = news.accepted;
  document.getElementById("refused").textContent = news.refused;
}

async function follow() {
  for (;;) {
    try {
      await ask();
      say(true);
    } catch {
      say(false);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

const copy = document.getElementById("copy");
copy.addEventListener("click", async () => {
  const field = document.getElementById("webhook");
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    copy.textContent = "Copied";
  } catch {
    copy.textContent = "Selected";
  }
  setTimeout(() => (copy.textContent = "Copy"), 1500);
});

say(true);
follow();
