// Show work by a link, while it runs: it changes by itself and keeps what its reader opened.
import "./focus.js";
import "./live.js";
