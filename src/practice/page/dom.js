// Small helpers: elements without markup strings, so nothing from a message can become HTML.

/** Makes an element. `props`: class, text, on<Event>, data-*, aria-*, and plain attributes; null and false are left out. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === 'class') node.className = value;
    else if (key === 'text') node.textContent = value;
    else if (key.startsWith('on')) node.addEventListener(key.slice(2).toLowerCase(), value);
    else if (key === 'value') node.value = value;
    else node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children.flat(3).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

/** POSTs to the practice API; a refusal becomes a toast, and so does a workspace that does not run any more. */
export async function post(path, body) {
  try {
    const response = await fetch(`/practice/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) toast(answer.error ?? `The workspace answered ${response.status}.`);
    return { ok: response.ok, ...answer };
  } catch {
    toast('The practice workspace does not answer. Is it still running?');
    return { ok: false };
  }
}

/** A short notice at the bottom of the screen. */
export function toast(text) {
  let box = document.querySelector('.toasts');
  if (!box) {
    box = el('div', { class: 'toasts', role: 'status' });
    document.body.append(box);
  }
  // the same again is no news
  for (const old of box.children) if (old.textContent === text) old.remove();
  const note = el('div', { class: 'toast', text });
  box.append(note);
  setTimeout(() => note.remove(), 6000);
}

/** Asks in a small dialog; resolves to true when confirmed. `confirm` is a Block Kit confirm object, `text` its question as nodes. */
export function ask(confirm, text) {
  return new Promise((resolve) => {
    const close = (answer) => {
      dialog.close();
      dialog.remove();
      resolve(answer);
    };
    const dialog = el(
      'dialog',
      { class: 'modal small', oncancel: () => close(false) },
      el('h2', { text: confirm.title.text }),
      el('p', { class: 'confirm-text' }, ...text),
      el(
        'div',
        { class: 'modal-foot' },
        el('button', { class: 'btn', type: 'button', text: confirm.deny.text, onclick: () => close(false) }),
        el('button', {
          class: `btn ${confirm.style === 'danger' ? 'danger' : 'primary'}`,
          type: 'button',
          text: confirm.confirm.text,
          onclick: () => close(true),
        }),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** `just now`, `4 min ago`, then the time of day, then the date. */
export function when(ts, now) {
  const date = new Date(Number(ts) * 1000);
  const age = now - date.getTime();
  if (age < 60_000) return 'just now';
  if (age < 3_600_000) return `${Math.floor(age / 60_000)} min ago`;
  const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' }).format(date);
  if (date.toDateString() === new Date(now).toDateString()) return time;
  return `${new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' }).format(date)}, ${time}`;
}
export function fullTime(ts) {
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'medium' }).format(new Date(Number(ts) * 1000));
}
export function clockTime(ts) {
  return new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' }).format(new Date(Number(ts) * 1000));
}
