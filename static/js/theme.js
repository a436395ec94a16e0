// The theme changes at once; without scripts the same form asks the server, which keeps the same cookie.

const YEAR_SECONDS = 365 * 24 * 3600;

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-theme-form]");
  const theme = event.submitter?.value;
  if (!form || (theme !== "dark" && theme !== "light")) return;
  event.preventDefault();
  document.cookie = `theme=${theme}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
  document.documentElement.dataset.theme = theme;
  for (const button of document.querySelectorAll("[data-theme-form] button")) {
    button.value = theme === "dark" ? "light" : "";
    button.textContent = theme === "dark" ? form.dataset.light : form.dataset.system;
  }
});
