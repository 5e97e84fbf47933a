// A number opens a panel with its address, what it comes from and the command that audits it; without this script its
// link leads to the same in the table of sources.
const panel = document.getElementById("number");
for (const link of document.querySelectorAll("a.from")) {
  link.setAttribute("aria-haspopup", "dialog");
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const number = link.closest("[data-address]");
    const source = document.getElementById(link.getAttribute("href").slice(1));
    const list = panel.querySelector("dl");
    list.replaceChildren();
    for (const cell of source.querySelectorAll("td")) {
      const word = document.createElement("dt");
      const value = document.createElement("dd");
      word.textContent = cell.dataset.label;
      value.append(...[...cell.childNodes].map((node) => node.cloneNode(true)));
      list.append(word, value);
    }
    panel.querySelector("h2").textContent = number.dataset.address;
    panel.querySelector(".value").textContent = link.textContent;
    panel.querySelector("pre").textContent = `dat audit ${number.dataset.address}`;
    panel.querySelector(".copy").textContent = "Copy the command";
    panel.showModal();
  });
}
panel.querySelector(".copy").addEventListener("click", async (event) => {
  const command = panel.querySelector("pre");
  const copy = event.currentTarget;
  try {
    await navigator.clipboard.writeText(command.textContent);
    copy.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(command);
    copy.textContent = "Selected: copy it";
  }
});
panel.addEventListener("click", (event) => {
  if (event.target === panel) panel.close();
});
