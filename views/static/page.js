// What the pages need beyond htmx: times in the reader's zone, and a word when the connection is lost.
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const short = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** @param {ParentNode} root */
function localTimes(root) {
  for (const time of root.querySelectorAll('time')) {
    const at = new Date(time.dateTime);
    if (time.dataset.local) time.textContent = (time.dataset.local === 'time' ? short : full).format(at);
    time.title = at.toString();
  }
}
/** @param {boolean} isLost */
function setLost(isLost) {
  const note = document.getElementById('lost');
  if (note) note.hidden = !isLost;
}

document.documentElement.classList.add('scripted');
localTimes(document);
document.body.addEventListener('htmx:load', (event) => {
  if (event.target instanceof Element) localTimes(event.target);
});
document.body.addEventListener('htmx:sendError', () => setLost(true));
document.body.addEventListener('htmx:afterRequest', (event) => {
  if (event instanceof CustomEvent && event.detail.xhr?.status) setLost(false);
});
const closeReply = () => document.getElementById('reply')?.replaceChildren();
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') closeReply();
});
document.addEventListener('click', (event) => {
  if (event.target instanceof Element && event.target.closest('.close')) closeReply();
});
