-- The Neovim plugin against a server that plays a part, against octet itself, and in a terminal. Ends with code 0 when all hold.
--
--   nvim --headless --clean -u NONE -S tests/editors/neovim/run.lua
--
-- OCTET_BIN names the binary, OCTET_TEST a pattern of the tests to run. Neovim 0.7 or newer. OCTET_NEOVIM_API=0.11 lets an older one
-- look like that to the plugin (newer_api.lua); what it would draw then cannot be seen.

local folder = vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p:h')
package.path = folder .. '/?.lua;' .. package.path

local editor = require('editor')
local n_run, n_failed = 0, 0

local function run(name, test)
  n_run = n_run + 1
  local begin = vim.loop.hrtime()
  local holds, reason = xpcall(test, function(message)
    return debug.traceback(tostring(message), 2)
  end)
  pcall(editor.clean_up)
  io.stdout:write(('%s %5.2f s  %s\n'):format(holds and 'ok    ' or 'FAILED', (vim.loop.hrtime() - begin) / 1e9, name))
  if not holds then
    n_failed = n_failed + 1
    io.stdout:write(reason .. '\n')
  end
  io.stdout:flush()
end

local files = { 'ghost_test', 'stream_test', 'accept_test', 'keys_test', 'menu_test', 'server_test', 'options_test', 'versions_test', 'octet_test' }
if vim.env.OCTET_NEOVIM_API then
  assert(vim.env.OCTET_NEOVIM_API == '0.11', 'OCTET_NEOVIM_API: expected 0.11')
elseif vim.fn.executable('tmux') == 1 then
  table.insert(files, 'screen_test')
else
  io.stdout:write('tmux is missing: what the screen shows is not tested\n')
end
for _, file in ipairs(files) do
  for _, test in ipairs(require(file)) do
    if test[1]:find(vim.env.OCTET_TEST or '') then
      run(test[1], test[2])
    end
  end
end
io.stdout:write(('%d passed, %d failed\n'):format(n_run - n_failed, n_failed))
io.stdout:flush()
vim.cmd(n_failed == 0 and 'qall!' or 'cquit!')
