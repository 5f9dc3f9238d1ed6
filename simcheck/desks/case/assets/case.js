// What the case's page does by itself: has the case longer while somebody works on it, and says when it is lost.
//   data-lease="…"    where to ask for more time; data-seconds: how long the case is ours
//   data-keep         on a form: takes along what was typed into the decision that is open
"use strict";
(() => {
  for (const form of document.querySelectorAll("form[data-keep]")) {
    form.addEventListener("submit", () => {
      const open = document.querySelector("details.decision[open] form [name=decision]")?.form;
      if (!open) return;
      form.elements.act.value = open.elements.decision.value;
      form.elements.reason.value = new FormData(open).get("reason") ?? "";
      form.elements.note.value = open.elements.note.value;
    });
  }

  const lease = document.querySelector("[data-lease]");
  if (!lease) return;
  const token = document.querySelector("[name=form_token]").value;
  const whole = Number(lease.dataset.seconds) * 1000;
  let until = performance.now() + whole, asked = performance.now(), used = false, over = false;

  const lost = () => {
    over = true;
    clearInterval(timer);
    document.getElementById("lost").hidden = false;
    lease.hidden = true;
  };
  const renew = async () => {
    asked = performance.now();
    used = false;
    try {
      const answer = await fetch(lease.dataset.lease, {
        method: "POST", body: new URLSearchParams({ form_token: token }), redirect: "manual",
      });
      if (answer.ok) {
        const { seconds, until: at } = await answer.json();
        until = performance.now() + seconds * 1000;
        lease.querySelector("[data-until]").textContent = at;
      } else if (answer.status < 500) lost();
    } catch {
      used = true; // the network: ask again
    }
  };
  const look = () => {
    if (over) return;
    const now = performance.now();
    if (now >= until) lost();
    else if (used && now - asked > Math.min(whole / 4, 60_000)) renew();
  };
  for (const kind of ["keydown", "pointermove", "pointerdown", "scroll", "input"]) {
    addEventListener(kind, () => { used = true; }, { passive: true });
  }
  addEventListener("visibilitychange", look);
  const timer = setInterval(look, Math.max(250, Math.min(5000, whole / 20)));
})();
