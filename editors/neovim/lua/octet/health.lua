-- :checkhealth octet

local M = {}

-- The names changed in 0.10, the module in 0.8.
local health = vim.health or require('health')
local start = health.start or health.report_start
local ok = health.ok or health.report_ok
local warn = health.warn or health.report_warn
local fail = health.error or health.report_error

local function check_binary(options, binary)
  if options.current.cmd then
    local program = options.current.cmd[1]
    if vim.fn.executable(program) == 1 then
      return ok('`cmd` starts ' .. program)
    end
    return fail('`cmd` names no executable file: ' .. program)
  end
  local path, reason = binary.find()
  if not path then
    return fail(reason)
  end
  local version, problem, is_done
  binary.ask_version(path, function(found, why)
    version, problem, is_done = found, why, true
  end)
  vim.wait(5000, function()
    return is_done
  end, 10)
  if version then
    ok(('%s, version %s'):format(path, version))
  else
    fail(problem or path .. ' --version does not end')
  end
end

local function check_server(status)
  local now = status.current
  local report = ({ ready = ok, unloaded = ok, loading = ok, failed = fail })[now.state] or warn
  report(('server: %s; %s'):format(now.state, now.message))
end

local function check_keys(options)
  for name, lhs in pairs(options.current.keymaps or {}) do
    local now = lhs and vim.fn.maparg(lhs, 'i') or ''
    if lhs and not now:find('octet', 1, true) then
      local message = 'the key %s (%s) does something else here: %s'
      warn(message:format(lhs, name, now == '' and 'a mapping in Lua, or none' or now))
    end
  end
end

function M.check()
  local options = require('octet.options')
  start('octet')
  if vim.fn.has('nvim-0.7') == 0 then
    return fail('Neovim 0.7 or newer is needed')
  end
  local has_inline = vim.fn.has('nvim-0.10') == 1
  ok(has_inline and 'ghost text stands between the characters' or 'ghost text is drawn over the line (0.10 can do better)')
  check_binary(options, require('octet.binary'))
  if not require('octet').is_set_up() then
    return warn("require('octet').setup() was not called")
  end
  check_server(require('octet.status'))
  check_keys(options)
end

return M
