// All tests in one VS Code, in this order: `node --test all.e2e.mjs`, with the environment that fixture.mjs names.
import './keystroke_to_paint.e2e.mjs';
import './showing.e2e.mjs';
import './accepting.e2e.mjs';
import './server.e2e.mjs';
import './reports.e2e.mjs';
import './picture.e2e.mjs';
