// Adds up numbers and counts characters while they are typed; pages work without it.
(() => {
  for (const rows of document.querySelectorAll("[data-total]")) {
    const [inputs, said] = [rows.querySelectorAll("input"), rows.querySelector("output")];
    const add = () => {
      const sum = [...inputs].reduce((total, i) => total + (Number.parseInt(i.value, 10) || 0), 0);
      said.textContent = rows.dataset.now.replace("{}", sum);
      rows.dataset.complete = sum === Number(rows.dataset.total);
    };
    said.hidden = false;
    add();
    rows.addEventListener("input", add);
  }
  for (const field of document.querySelectorAll("textarea[maxlength]")) {
    const said = field.parentElement.querySelector(".room output");
    if (!said) continue;
    field.addEventListener("input", () => {
      said.hidden = field.value.length < field.maxLength * 0.8;
      said.textContent = said.dataset.left.replace("{}", field.maxLength - field.value.length);
    });
  }
})();
