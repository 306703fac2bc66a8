// Every action here has a visible control that works without it.
import "./keyboard.js";
import "./copy.js";
import "./theme.js";
import "./focus.js";
import "./confirm-press.js";
import "./live.js";
import "./matrix.js";
import "./passkey.js";
import "./ticks.js";
import "./rows.js";
