// Runs in the test browser (page.evaluate), so it stands alone: nothing from outside of the function.

/** Text with too little contrast, text that is cut or reaches beyond its part or the window, and controls without a size or a name. */
export function auditLook(selector) {
  const leastContrast = 4.5;
  const problems = [];
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const colors = new Map();
  /** Any CSS colour as [red, green, blue, alpha]. */
  const rgba = (css) => {
    if (!colors.has(css)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = css;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      colors.set(css, [r, g, b, a / 255]);
    }
    return colors.get(css);
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((part, i) => part * a + below[i] * (1 - a));
  const background = (node) => {
    const layers = [];
    for (let n = node; n; n = n.parentElement) {
      const color = rgba(getComputedStyle(n).backgroundColor);
      layers.push(color);
      if (color[3] === 1) break;
    }
    return layers.reverse().reduce((below, color) => over(color, below), [255, 255, 255]);
  };
  const luminance = (color) =>
    color
      .map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
      .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (node) => {
    const below = background(node);
    const style = getComputedStyle(node);
    let opacity = 1;
    for (let n = node; n; n = n.parentElement) opacity *= Number(getComputedStyle(n).opacity);
    const [r, g, b, a] = rgba(style.color);
    const [low, high] = [luminance(over([r, g, b, a * opacity], below)), luminance(below)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const shown = (node) =>
    node.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !node.closest('[aria-hidden="true"]');
  const say = (node) =>
    `${node.tagName.toLowerCase()}.${node.className || '-'} "${(node.textContent || node.value || '').trim().slice(0, 40)}"`;
  const roots = [...document.querySelectorAll(selector)];
  if (roots.length === 0) problems.push(`there is no ${selector}`);
  for (const root of roots) {
    const frame = root.getBoundingClientRect();
    if (frame.width < 1 || frame.height < 1) problems.push(`${selector} is blank`);
    if (frame.left < -1 || frame.right > innerWidth + 1) problems.push(`${selector} reaches from ${frame.left} to ${frame.right}`);
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode;
      const node = text.parentElement;
      if (!text.data.trim() || node.closest('option, [disabled]') || !shown(node)) continue;
      const style = getComputedStyle(node);
      if (rgba(style.color)[3] === 0) continue;
      const ratio = contrast(node);
      if (ratio < leastContrast) problems.push(`${say(node)} has a contrast of ${ratio.toFixed(2)}`);
      const range = document.createRange();
      range.selectNodeContents(text);
      const box = range.getBoundingClientRect();
      if (box.width < 1 || box.height < 1) problems.push(`${say(node)} has no size`);
      let clipped = false;
      for (let n = node; n && n !== root.parentElement; n = n.parentElement) clipped ||= getComputedStyle(n).textOverflow === 'ellipsis';
      if (!clipped && (box.right > frame.right + 1 || box.left < frame.left - 1 || box.right > innerWidth + 1))
        problems.push(`${say(node)} reaches from ${Math.round(box.left)} to ${Math.round(box.right)} of ${Math.round(frame.right)}`);
    }
    for (const node of root.querySelectorAll('button, a, input, select, textarea, summary, img, hr')) {
      if (!shown(node)) continue;
      const box = node.getBoundingClientRect();
      if (box.width < 1 && box.height < 1) problems.push(`${say(node)} has no size`);
      if (box.right > frame.right + 1 || box.right > innerWidth + 1) problems.push(`${say(node)} ends at ${Math.round(box.right)}`);
      const name = node.textContent || node.getAttribute('aria-label') || node.alt || node.labels?.length || node.tagName === 'HR';
      if (!name) problems.push(`${say(node)} has no name`);
    }
  }
  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth) problems.push(`the page is ${page.scrollWidth} px wide in a window of ${page.clientWidth}`);
  for (const node of document.querySelectorAll('.log, .home, .modal, .modal-body, .inspector, .sidebar'))
    if (node.scrollWidth > node.clientWidth + 1) problems.push(`${say(node)} can be scrolled sideways`);
  return [...new Set(problems)];
}
