// Runs before the first paint, so that a dark page never flashes white. A file of its own: no page has inline scripts.
(() => {
  let choice = null;
  try {
    choice = localStorage.getItem('lineaged.theme');
  } catch {
    // Storage is refused: follow the system.
  }
  const dark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
