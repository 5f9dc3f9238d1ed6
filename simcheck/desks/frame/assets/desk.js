// Keys for hands that stay on the keyboard. Everything works without this file.
//   data-key="a"      on a button or link: the key presses it; listed in the help (?) by its words
//   data-row          on a row of a list: j and k go from one to the next, Enter opens its first link
//   data-search       on a field: / goes there
//   data-focus        what is to be read first
//   data-again        on a form that may be sent more than once; every other is sent once
"use strict";
(() => {
  const help = document.getElementById("keys");
  const typing = (target) => target instanceof Element
    && target.closest("input:not([type=checkbox]):not([type=radio]):not([type=submit]), textarea, select, [contenteditable]");
  const seen = (element) => element.checkVisibility();
  const words = (element) => element.getAttribute("aria-label") || element.labels?.[0]?.textContent.trim()
    || [...element.childNodes].filter((node) => node.nodeName !== "KBD").map((node) => node.textContent).join(" ").trim();

  // Keys that a page adds: deskKeys.add("g", "Words for the help", () => { … }).
  const added = new Map();
  globalThis.deskKeys = { add: (key, text, act) => added.set(key, { text, act }) };

  const keyed = () => [...document.querySelectorAll("[data-key]")].filter(seen);

  const row = (text, key) => {
    const line = document.createElement("div"), term = document.createElement("dt");
    const shown = document.createElement("kbd"), told = document.createElement("dd");
    shown.textContent = key;
    told.textContent = text;
    term.append(shown);
    line.append(term, told);
    line.dataset.made = "";
    return line;
  };
  const tell = () => {
    const list = help.querySelector("dl");
    for (const old of list.querySelectorAll("[data-made]")) old.remove();
    for (const element of keyed()) list.append(row(words(element), element.dataset.key));
    for (const [key, { text }] of added) list.append(row(text, key));
    help.showModal();
  };

  const step = (by) => {
    const rows = [...document.querySelectorAll("[data-row]")].filter(seen);
    if (!rows.length) return;
    const marked = rows.indexOf(document.querySelector("[data-row].marked"));
    const at = Math.min(rows.length - 1, Math.max(0, marked < 0 ? (by > 0 ? 0 : rows.length - 1) : marked + by));
    for (const each of rows) each.classList.toggle("marked", each === rows[at]);
    const link = rows[at].querySelector("a[href], button, input");
    (link ?? rows[at]).focus({ preventScroll: true });
    rows[at].scrollIntoView({ block: "nearest" });
  };

  // Keys of one letter can be switched off: they get in the way of speech input (WCAG 2.1.4).
  const switched = document.getElementById("keys-on"), OFF = "desk-keys-off";
  const off = () => localStorage.getItem(OFF) === "1";
  switched.checked = !off();
  switched.addEventListener("change", () => localStorage.setItem(OFF, switched.checked ? "0" : "1"));
  const open = document.getElementById("keys-open");
  open.hidden = false;
  open.addEventListener("click", tell);

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (event.target instanceof Element && event.target.closest("dialog[open]")) return;
    if (typing(event.target) || off()) return;
    const { key } = event;
    const found = keyed().find((element) => element.dataset.key === key);
    const acts = {
      "?": tell,
      j: () => step(1),
      k: () => step(-1),
      "/": () => document.querySelector("[data-search]")?.focus(),
    };
    const act = found ? () => { found.focus(); found.click(); } : added.get(key)?.act ?? acts[key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || "again" in form.dataset) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
  addEventListener("pageshow", () => { for (const form of document.forms) delete form.dataset.sent; });

  // On a narrow screen the menu is one line that scrolls: where one is stands in sight.
  const here = document.querySelector(".masthead nav [aria-current]");
  const menu = here?.closest("ul");
  if (menu) menu.scrollLeft += here.getBoundingClientRect().left - menu.getBoundingClientRect().left - 16;
  document.querySelector("[data-focus]")?.focus();
})();
