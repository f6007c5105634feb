-- :Octet and its verbs.

local M = {}

local function say(text)
  vim.api.nvim_echo({ { text } }, true, {})
end

--- Asks the server, and says why there is no answer.
local function ask(method, params, on_result)
  local sent = require('octet.client').request(method, params, function(problem, result)
    if problem then
      return vim.notify('octet: ' .. (problem.message or vim.inspect(problem)), vim.log.levels.ERROR)
    end
    on_result(result)
  end)
  if not sent then
    say('octet: ' .. require('octet.status').current.message)
  end
end

-- A table as lines, its keys in order.
local function describe(value, indent)
  local lines = {}
  local names = vim.tbl_keys(value)
  table.sort(names, function(a, b)
    return tostring(a) < tostring(b)
  end)
  for _, name in ipairs(names) do
    if type(value[name]) == 'table' then
      table.insert(lines, ('%s%s:'):format(indent, name))
      vim.list_extend(lines, describe(value[name], indent .. '  '))
    else
      table.insert(lines, ('%s%s: %s'):format(indent, name, value[name]))
    end
  end
  return lines
end

local function explain(told)
  local lines = {}
  if told.silence then
    table.insert(lines, ('The last answer was empty: %s (%s)'):format(told.silence.message, told.silence.reason))
  end
  if told.text then
    table.insert(lines, ('The last completion, right with a probability of %.2f:'):format(told.confidence or 0))
    for _, source in ipairs(told.sources or {}) do
      local file = source.file and (' (%s)'):format(source.file) or ''
      table.insert(lines, ('  %-6s %q%s'):format(source.source, source.text, file))
    end
  end
  return #lines > 0 and table.concat(lines, '\n') or 'There was no completion yet'
end

local function set_enabled(is_enabled)
  return function(is_buffer)
    local octet = require('octet')
    if is_buffer then
      octet.set_buffer_enabled(is_enabled)
    else
      octet.set_enabled(is_enabled)
    end
  end
end

local kVerbs = {
  enable = set_enabled(true),
  disable = set_enabled(false),
  toggle = function(is_buffer)
    local octet = require('octet')
    if is_buffer then
      octet.set_buffer_enabled(not octet.is_enabled())
    else
      octet.toggle()
    end
    say(octet.statusline())
  end,
  restart = function()
    require('octet.client').restart()
  end,
  log = function()
    vim.cmd('tabedit ' .. vim.fn.fnameescape(require('octet.binary').log_path()))
  end,
  status = function()
    ask('octet/status', nil, function(told)
      local model = told.model and ('\nmodel: %s, %s'):format(told.model.name, told.device or '') or ''
      local reason = told.lastReason and ('\nlast answer: %s'):format(told.lastReason) or ''
      say(('octet: %s\n%s%s%s'):format(told.state, told.message, model, reason))
    end)
  end,
  stats = function()
    ask('workspace/executeCommand', { command = 'octet.statistics' }, function(told)
      say(table.concat(describe(told, ''), '\n'))
    end)
  end,
  explain = function()
    ask('octet/explain', nil, function(told)
      say(explain(told))
    end)
  end,
  forget = function()
    ask('workspace/executeCommand', { command = 'octet.forgetWorkspace' }, function(told)
      say(('octet: %d workspace(s) forgotten; their memory stays off until the setting turns it on'):format(told.forgotten))
    end)
  end,
}

--- :Octet VERB. `!`: this buffer only.
---@param invocation {args: string, bang: boolean}
function M.run(invocation)
  local name = invocation.args ~= '' and invocation.args or 'status'
  local verb = kVerbs[name]
  if not verb then
    return vim.notify(('octet: no verb %q; there are %s'):format(name, table.concat(M.complete(''), ', ')), vim.log.levels.ERROR)
  end
  verb(invocation.bang)
end

---@param lead string
---@return string[]
function M.complete(lead)
  local names = vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, vim.tbl_keys(kVerbs))
  table.sort(names)
  return names
end

return M
