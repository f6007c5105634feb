-- Neovim's own language client against `octet lsp`, headless: runs every scenario and ends with code 0 when all hold.
--
--   nvim --headless --clean -u NONE -S tests/clients/neovim/run.lua
--
-- OCTET_BIN names the binary. Neovim 0.7 or newer.

local folder = vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p:h')
package.path = folder .. '/?.lua;' .. package.path

local editor = require('editor')
local scenarios = require('scenarios')

local n_failed = 0
for _, scenario in ipairs(scenarios) do
  local name, run = scenario[1], scenario[2]
  local holds, reason = xpcall(run, debug.traceback)
  local ended, leftover = pcall(editor.clean_up)
  if holds and not ended then
    holds, reason = false, leftover
  end
  io.stdout:write((holds and 'ok      ' or 'FAILED  ') .. name .. '\n')
  if not holds then
    n_failed = n_failed + 1
    io.stdout:write(reason .. '\n')
  end
end
io.stdout:write(('%d passed, %d failed\n'):format(#scenarios - n_failed, n_failed))
io.stdout:flush()
vim.cmd(n_failed == 0 and 'qall!' or 'cquit!')
