// Files are sent one after another, each in pieces by tus 1.0.0 with a checksum of every piece: what was counted
// is kept, so a file goes on where it stood, after a break, a pause or a reload. Without this file the form sends
// one file at once.
"use strict";
(() => {
  const form = document.querySelector("[data-upload]");
  if (!form || !globalThis.XMLHttpRequest) return;
  const { place, language } = form.dataset;
  const piece = Number(form.dataset.piece), most = Number(form.dataset.most);
  const token = form.elements.form_token.value, chosen = form.elements.file;
  const list = document.querySelector(".uploads"), nothing = document.querySelector("[data-nothing]");
  const told = document.getElementById("upload-told"), row = document.getElementById("upload-row");
  const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
  const WAITS = [1, 2, 4, 8, 15, 30, 30, 30]; // seconds between tries
  const queue = [];
  let busy = false;

  const say = (word, share) => form.dataset[`say${word[0].toUpperCase()}${word.slice(1)}`].replace("{share}", percent.format(share ?? 0));
  const size = (count) => {
    const units = ["B", "KB", "MB", "GB", "TB"];
    let at = 0;
    while (count >= 1024 && at < units.length - 1) { count /= 1024; at += 1; }
    return `${new Intl.NumberFormat(language, { maximumFractionDigits: 1 }).format(count)} ${units[at]}`;
  };
  const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
  const sleep = (seconds) => new Promise((wake) => { setTimeout(wake, seconds * 1000); });

  // What ends a file's way for now: `word` is said of it, or `text`.
  class Stop extends Error {
    constructor(word, text) { super(word); this.word = word; this.text = text; }
  }

  // One request. An answer that is not of the protocol is of a page to sign in, or of something in between.
  const ask = (item, method, url, headers, body) => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    item.request = request;
    request.open(method, url);
    const all = { "Tus-Resumable": "1.0.0", "X-Form-Token": token, ...headers };
    for (const [name, value] of Object.entries(all)) request.setRequestHeader(name, value);
    if (body) request.upload.onprogress = (event) => show(item, item.offset + event.loaded);
    request.onabort = () => reject(new Stop("paused"));
    request.onerror = request.ontimeout = () => resolve(null);
    request.onload = () => {
      if (request.status >= 500) resolve(null);
      else if (!request.getResponseHeader("Tus-Resumable")) reject(new Stop("over"));
      else resolve(request);
    };
    request.send(body ?? null);
  });

  const words = (request) => { try { return JSON.parse(request.responseText).text; } catch { return null; } };

  const show = (item, sent) => {
    item.bar.value = sent;
    tell(item, sent >= item.file.size ? say("checking") : say("sending", sent / item.file.size));
  };
  const tell = (item, text, aloud = false) => {
    item.state.textContent = text;
    if (aloud) told.textContent = `${item.file.name}: ${text}`;
  };
  const buttons = (item, shown) => {
    for (const button of item.line.querySelectorAll("[data-act]")) button.hidden = !shown.includes(button.dataset.act);
  };

  const begin = async (item) => {
    const about = { filename: item.file.name, kind: item.kind, modified: String(item.file.lastModified) };
    const metadata = Object.entries(about).map(([key, value]) => `${key} ${base64(new TextEncoder().encode(value))}`).join(",");
    return ask(item, "POST", place, { "Upload-Length": String(item.file.size), "Upload-Metadata": metadata });
  };

  const checksum = async (content) => {
    if (!globalThis.crypto?.subtle) return {};
    const digest = await crypto.subtle.digest("SHA-256", await content.arrayBuffer());
    return { "Upload-Checksum": `sha256 ${base64(new Uint8Array(digest))}` };
  };

  const next = async (item) => {
    const content = item.file.slice(item.offset, item.offset + piece);
    const headers = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(item.offset), ...await checksum(content) };
    if (item.paused) throw new Stop("paused");
    return ask(item, "PATCH", item.url, headers, content);
  };

  // The next step of a file: begin, ask where it stands, or send a piece. Gives the answer, or null to try again.
  const step = async (item) => {
    const answer = item.url === null ? await begin(item) : item.known ? await next(item) : await ask(item, "HEAD", item.url, {});
    if (answer === null) { item.known = false; return null; }
    if (answer.status === 404 || answer.status === 410) {
      Object.assign(item, { url: null, known: false, offset: 0 });
      if (item.refused) throw new Stop("lost", item.refused);
      return answer;
    }
    if (item.url !== null && answer.status === 409) { // it stands elsewhere; or whole, it is not taken and gone
      Object.assign(item, { known: false, refused: words(answer) });
      return answer;
    }
    if (answer.status === 460) { item.known = false; return null; }
    if (answer.status >= 400) throw new Stop("lost", words(answer));
    if (item.url === null) item.url = answer.getResponseHeader("Location");
    const offset = answer.getResponseHeader("Upload-Offset");
    item.offset = Number(offset ?? 0);
    Object.assign(item, { known: true, refused: null });
    item.batch = /<([^>]+)>; rel="item"/.exec(answer.getResponseHeader("Link") ?? "")?.[1];
    return answer;
  };

  const send = async (item) => {
    let failed = 0;
    buttons(item, ["pause", "end"]);
    while (!item.batch) {
      if (item.paused) throw new Stop("paused");
      show(item, item.offset);
      if (await step(item) !== null) { failed = 0; continue; }
      if (failed >= WAITS.length) throw new Stop("lost");
      tell(item, say("again"));
      await sleep(WAITS[failed]);
      failed += 1;
    }
  };

  const work = async () => {
    if (busy) return;
    busy = true;
    for (let item = queue.shift(); item; item = queue.shift()) {
      try {
        await send(item);
        finished(item);
      } catch (error) {
        if (!(error instanceof Stop)) throw error;
        stopped(item, error);
      }
    }
    busy = false;
  };

  const finished = (item) => {
    item.ended = true;
    item.bar.value = item.bar.max;
    buttons(item, []);
    const link = item.line.querySelector("[data-part=batch]");
    link.href = item.batch;
    link.hidden = false;
    tell(item, say("done"), true);
  };
  const stopped = (item, { word, text }) => {
    item.known = false;
    if (item.ended) return;
    item.paused = true;
    buttons(item, word === "over" ? [] : ["go", "end"]);
    tell(item, text ?? say(word, item.offset / item.file.size), true);
  };

  const acts = {
    pause: (item) => {
      item.paused = true;
      const at = queue.indexOf(item);
      if (at >= 0) { queue.splice(at, 1); stopped(item, new Stop("paused")); } else item.request?.abort();
    },
    go: (item) => { enqueue(item); item.line.querySelector("[data-act=pause]").focus(); },
    end: async (item) => {
      Object.assign(item, { paused: true, ended: true });
      if (queue.includes(item)) queue.splice(queue.indexOf(item), 1);
      item.request?.abort();
      if (item.url) await ask({}, "DELETE", item.url, {}).catch(() => null);
      told.textContent = `${item.file.name}: ${say("gone")}`;
      item.line.remove();
      nothing.hidden = list.children.length > 0;
      chosen.focus();
    },
  };

  const enqueue = (item) => {
    Object.assign(item, { paused: false, refused: null });
    buttons(item, ["pause", "end"]);
    tell(item, say("waiting"));
    queue.push(item);
    work();
  };

  // A file that was begun before, by this person: the same name, size, moment and kind.
  const begun = (file, kind) => [...list.querySelectorAll("[data-begun]")].find(({ dataset }) => dataset.name === file.name
    && Number(dataset.size) === file.size && dataset.modified === String(file.lastModified) && dataset.kind === kind);

  const add = (file, kind) => {
    const line = row.content.firstElementChild.cloneNode(true), old = begun(file, kind);
    const item = {
      file, kind, line, offset: 0, known: false, paused: false, ended: false, url: old?.dataset.begun ?? null,
      bar: line.querySelector("progress"), state: line.querySelector("[data-part=state]"),
    };
    old?.remove();
    line.querySelector("[data-part=name]").textContent = file.name;
    line.querySelector("[data-part=about]").textContent = size(file.size);
    item.bar.max = file.size || 1;
    item.bar.setAttribute("aria-label", file.name);
    for (const button of line.querySelectorAll("[data-act]")) button.addEventListener("click", () => acts[button.dataset.act](item));
    list.append(line);
    const wrong = file.size === 0 ? "empty" : file.size > most ? "large" : null;
    if (!wrong) { items.push(item); enqueue(item); return; }
    item.bar.hidden = true;
    buttons(item, []);
    tell(item, say(wrong), true);
  };
  const items = [];

  chosen.multiple = true;
  form.addEventListener("submit", (event) => {
    if (!chosen.files.length) return; // the server says what is missing
    event.preventDefault();
    nothing.hidden = true;
    for (const file of chosen.files) add(file, form.elements.kind.value);
    chosen.value = "";
  });
  for (const line of list.querySelectorAll("[data-begun]")) {
    const button = line.querySelector("[data-act=end]");
    button.hidden = false;
    const item = { file: { name: line.dataset.name }, line, url: line.dataset.begun };
    button.addEventListener("click", () => acts.end(item));
  }
  addEventListener("beforeunload", (event) => {
    if (items.some((item) => !item.ended && !item.paused)) event.preventDefault();
  });
})();
