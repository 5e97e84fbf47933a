// A link to a thing opens everything that it lies in; without this script, browsers of today do so themselves.
function reveal() {
  const thing = document.getElementById(location.hash.slice(1));
  for (let place = thing; place; place = place.parentElement) if (place.tagName === "DETAILS") place.open = true;
  if (thing) thing.scrollIntoView();
}
addEventListener("hashchange", reveal);
reveal();
const close = document.getElementById("close");
close.hidden = false;
close.addEventListener("click", () => {
  for (const place of document.querySelectorAll("details[open]")) place.open = false;
});
