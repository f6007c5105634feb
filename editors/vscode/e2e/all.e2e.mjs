// All tests in one VS Code: `node --test all.e2e.mjs`, with the environment that fixture.mjs names.
import './showing.e2e.mjs';
import './accepting.e2e.mjs';
import './server.e2e.mjs';
import './keystroke_to_paint.e2e.mjs';
