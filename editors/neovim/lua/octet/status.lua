-- What the server last said of itself, for the statusline and for the user's own autocommands (User OctetStatus).

local M = {}

---@class octet.Status
---@field state 'stopped'|'starting'|'disabled'|'unloaded'|'loading'|'ready'|'failed'
---@field message string one sentence
---@field busy boolean

---@type octet.Status
M.current = { state = 'stopped', message = 'the server is not running', busy = false }

--- Changes what is given.
---@param change table
function M.set(change)
  local before = M.current
  M.current = vim.tbl_extend('force', before, change)
  if vim.deep_equal(before, M.current) then
    return
  end
  vim.api.nvim_exec_autocmds('User', { pattern = 'OctetStatus', modeline = false })
  vim.cmd('redrawstatus!')
end

local kSigns = {
  stopped = '-',
  starting = '..',
  disabled = 'off',
  unloaded = 'idle',
  loading = '..',
  ready = '',
  failed = '!',
}

--- For a statusline: `octet`, with what is to be known behind it.
---@param is_wanted boolean whether this buffer is completed
---@return string
function M.line(is_wanted)
  local sign = is_wanted and kSigns[M.current.state] or 'off'
  if sign == '' and M.current.busy then
    sign = '*'
  end
  return sign == '' and 'octet' or 'octet ' .. sign
end

return M
