// A cell of the matrix opens its counterexample; browsers that do that by themselves are done before this runs.
const reveal = () => {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
};
addEventListener("hashchange", reveal);
// The same cell a second time changes no hash.
addEventListener("click", (event) => {
  if (event.target.closest?.("a[href^='#']")) setTimeout(reveal);
});
reveal();
