// Says, as somebody types, whether a field can be right. Every check is made again by the server.
"use strict";
(() => {
  const alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";
  const digits = (text) => text.replace(/[\s._-]/g, "");
  // true: it can be right; false: it cannot; null: it is not finished.
  const checks = {
    code(text) {
      const code = digits(text).toUpperCase();
      const places = [...code].map((each) => alphabet.indexOf(each));
      if (places.includes(-1) || code.length > 10) return false;
      if (code.length < 10) return null;
      const sum = places.slice(0, 9).reduce((all, place, at) => all + (at + 1) * place, 0);
      return sum % alphabet.length === places[9];
    },
    number(text) {
      const number = digits(text).replace(/^(\+84|0084|84(?=\d{9}$))/, "0");
      if (!/^\+?\d*$/.test(number) || number.length > 11) return false;
      if (number.length < 10) return null;
      return /^0[35789]\d{8}$|^01[269]\d{8}$/.test(number);
    },
    digits(text) {
      const typed = digits(text);
      if (!/^\d*$/.test(typed) || typed.length > 6) return false;
      return typed.length === 6 ? true : null;
    },
    id(text) {
      const id = digits(text);
      if (!/^\d*$/.test(id) || id.length > 12) return false;
      return id.length === 12 ? true : null;
    },
    name(text) {
      const name = text.trim();
      if (/[\d@#$%^&*_=+<>/\\|{}[\]]/.test(name)) return false;
      return /\S\s+\S/.test(name) ? true : null;
    },
    birth(_, field) {
      const [day, month, year] = [...field.querySelectorAll("input")].map((each) => each.value.trim());
      if (![day, month, year].every((each) => /^\d*$/.test(each))) return false;
      if (!day || !month || year.length < 4) return null;
      const born = new Date(Date.UTC(+year, month - 1, +day));
      return born.getUTCMonth() === month - 1 && born.getUTCDate() === +day && born < new Date() && +year > 1899;
    },
  };

  const tell = (field, told, result) => {
    told.className = "told" + (result === true ? " ok" : result === false ? " bad" : "");
    told.textContent = result === true ? field.dataset.ok : result === false ? field.dataset.bad : "";
  };
  for (const field of document.querySelectorAll("[data-check]")) {
    const told = document.getElementById(field.id + "-told");
    const look = (finished) => {
      const typed = field.value ?? "";
      let result = checks[field.dataset.check](typed, field);
      if (result === null && finished && typed.trim()) result = false;
      tell(field, told, result);
    };
    field.addEventListener("input", () => look(false));
    field.addEventListener("change", () => look(true));
  }
  // A form is sent once, however often its button is pressed.
  for (const form of document.forms) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "1";
    });
  }
  // Back from the next page, the form may be sent again.
  addEventListener("pageshow", () => { for (const form of document.forms) delete form.dataset.sent; });
  document.querySelector("[data-focus]")?.focus();
})();
