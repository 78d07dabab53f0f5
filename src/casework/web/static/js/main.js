// What each page does beyond what its HTML does by itself.

import { startCopying } from "./copy.js";
import { startForms } from "./forms.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startSelecting } from "./select.js";
import { startTimes } from "./times.js";

startTimes();
for (const shown of document.querySelectorAll(".here, nav [aria-current]")) shown.scrollIntoView({ block: "nearest", inline: "nearest" });
startCopying();
startForms();
startKeys();
startSelecting();
startLive();
