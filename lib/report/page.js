/* page.js - tables that sort by a click on a heading; the page is whole
   without it. */
(function () {
  "use strict";
  function key(cell) {
    var text = cell ? cell.textContent.trim() : "";
    if (cell ? cell.classList.contains("missing") : true) return null;
    var x = Number(text.replace(/\u2212/g, "-").replace(/[\s%]/g, ""));
    return text !== "" ? (isNaN(x) ? text : x) : null;
  }
  function order(a, b) {
    if (typeof a === "number") {
      if (typeof b === "number") return a - b;
      return -1;
    }
    if (typeof b === "number") return 1;
    return String(a).localeCompare(String(b));
  }
  document.querySelectorAll("table.sort").forEach(function (table) {
    var body = table.tBodies[0];
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (th, at) {
      var button = document.createElement("button");
      button.type = "button";
      while (th.firstChild) button.appendChild(th.firstChild);
      th.appendChild(button);
      button.addEventListener("click", function () {
        var up = th.getAttribute("aria-sort") !== "ascending";
        Array.prototype.forEach.call(th.parentNode.cells, function (other) {
          other.removeAttribute("aria-sort");
        });
        th.setAttribute("aria-sort", up ? "ascending" : "descending");
        Array.prototype.slice.call(body.rows).map(function (row, i) {
          return { row: row, key: key(row.cells[at]), i: i };
        }).sort(function (a, b) {
          if (a.key === null || b.key === null)
            return (a.key === null) - (b.key === null) || a.i - b.i;
          return (up ? 1 : -1) * order(a.key, b.key) || a.i - b.i;
        }).forEach(function (x) { body.appendChild(x.row); });
      });
    });
  });
})();
