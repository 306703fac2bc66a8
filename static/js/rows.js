// A row that somebody opens goes into the address, and out of it when they close it: a pasted link shows the same rows.
const keep = (row) => {
  const address = new URL(location.href);
  const open = new Set((address.searchParams.get("open") || "").split(",").filter(Boolean));
  open[row.open ? "add" : "delete"](row.dataset.ref);
  address.searchParams.delete("open");
  // Commas stay commas, so that the address can be read.
  const rest = address.searchParams.toString();
  const query = [rest, open.size ? `open=${[...open].map(encodeURIComponent).join(",")}` : ""].filter(Boolean).join("&");
  history.replaceState(history.state, "", `${address.pathname}${query && `?${query}`}${address.hash}`);
};

document.addEventListener("click", (event) => {
  const row = event.target.closest("summary")?.closest("details[data-ref]");
  // The browser opens or closes it once the click is through.
  if (row) setTimeout(() => keep(row));
});
