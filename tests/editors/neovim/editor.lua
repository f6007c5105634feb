-- A Neovim with the plugin, driven from outside: keys go in, text, marks and messages come out. Nothing here waits for a time; each
-- wait is for what must happen, with a bound for failing.

local kLimitMs = 30000 -- only a bound for failing
local kFolder = vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p:h')
local kPlugin = vim.fn.fnamemodify(kFolder .. '/../../../editors/neovim', ':p')

---@class Editor
local Editor = {}
Editor.__index = Editor

local M = {}
local running = {}

function M.equal(found, expected, what)
  if not vim.deep_equal(found, expected) then
    error(('%s: expected %s, found %s'):format(what or 'value', vim.inspect(expected), vim.inspect(found)), 2)
  end
end

--- Runs inside the editor before the plugin: what the tests look at.
local kInside = [[
  local plugin, stub = ...
  vim.o.swapfile, vim.o.hidden, vim.o.more = false, true, false
  if plugin then
    vim.opt.runtimepath:prepend(plugin)
    vim.cmd('runtime plugin/octet.lua')
  end
  _G.t = { received = {}, notices = {}, n_marks = 0, stub = stub, markers = 0 }
  vim.lsp.handlers['stub/received'] = function(_, message) table.insert(t.received, message) end
  vim.lsp.handlers['stub/marker'] = function() t.markers = t.markers + 1 end
  vim.notify = function(message) table.insert(t.notices, message) end
  local set_extmark = vim.api.nvim_buf_set_extmark
  vim.api.nvim_buf_set_extmark = function(...) t.n_marks = t.n_marks + 1; return set_extmark(...) end
  function t.ghost()
    local client = require('octet.client')
    local marks = vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('octet'), 0, -1, { details = true })
    if #marks == 0 then return vim.NIL end
    local _, row, column, details = unpack(marks[1])
    local lines = {}
    for _, line in ipairs(details.virt_lines or {}) do
      table.insert(lines, table.concat(vim.tbl_map(function(chunk) return chunk[1] end, line)))
    end
    local first = details.virt_text or {}
    return {
      n = #marks, row = row + 1, column = column,
      text = first[1] and first[1][1] or '',
      behind = first[2] and first[2][1] or '',
      below = lines,
    }
  end
]]

local function new(channel)
  return setmetatable({ channel = channel, n_taken = 0, n_markers = 0 }, Editor)
end

local function spawn()
  local channel = vim.fn.jobstart({ vim.v.progpath, '--clean', '-u', 'NONE', '--headless', '--embed' }, { rpc = true })
  local editor = new(channel)
  table.insert(running, editor)
  return editor
end

--- An editor without a terminal.
---@param options? table of setup, {} by default; with the stub as server unless `cmd` is there
---@return Editor
function M.start(options)
  local editor = spawn()
  editor:prepare(options)
  return editor
end

--- An editor that has not heard of the plugin.
---@return Editor
function M.start_bare()
  local editor = spawn()
  editor:look_inside()
  return editor
end

--- An editor in a terminal of tmux.
---@param size {columns: integer, rows: integer}
---@return Editor
function M.start_in_terminal(size, options)
  local socket = vim.fn.tempname()
  local name = vim.fn.tempname() -- goes with the test
  local command = { 'tmux', '-S', name, '-f', '/dev/null', 'new-session', '-d', '-x', size.columns, '-y', size.rows }
  vim.list_extend(command, { '-e', 'LC_ALL=C.UTF-8', vim.v.progpath, '--clean', '-u', 'NONE', '--listen', socket })
  vim.env.LC_ALL = 'C.UTF-8' -- tmux draws wide characters only then
  local output = vim.fn.system(command)
  assert(vim.v.shell_error == 0, output)
  local channel
  M.wait('the editor in the terminal', function()
    local connected
    connected, channel = pcall(vim.fn.sockconnect, 'pipe', socket, { rpc = true })
    return connected and channel > 0
  end)
  local editor = new(channel)
  editor.terminal = name
  table.insert(running, editor)
  editor:lua('vim.o.laststatus, vim.o.ruler, vim.o.showmode, vim.o.showcmd = 0, false, false, false')
  editor:prepare(options)
  return editor
end

function M.wait(what, holds)
  local deadline = vim.loop.hrtime() + kLimitMs * 1e6
  while not holds() do
    if vim.loop.hrtime() > deadline then
      error(what .. ': it never happens', 0)
    end
    vim.wait(2)
  end
end

---@param plugin? string its folder
function Editor:look_inside(plugin)
  if vim.env.OCTET_NEOVIM_API then
    self:lua('dofile(...)', kFolder .. '/newer_api.lua')
  end
  self:lua(kInside, plugin or false, { 'python3', kFolder .. '/stub_server.py' })
end

function Editor:prepare(options)
  self:look_inside(kPlugin)
  if options ~= false then
    self:setup(options)
  end
end

function Editor:setup(options)
  self:lua([[
    local given = ...
    given = vim.tbl_isempty(given) and {} or given
    given.cmd = given.cmd or t.stub
    require('octet').setup(given)
  ]], options or {})
end

--- Runs Lua inside.
function Editor:lua(code, ...)
  return vim.rpcrequest(self.channel, 'nvim_exec_lua', code, { ... })
end

--- Presses keys as a person does; they lie there at once.
function Editor:type(keys)
  vim.rpcrequest(self.channel, 'nvim_input', keys)
end

--- Waits until a value of the inside is as expected.
function Editor:wait_equal(expected, code, what)
  local found
  local holds, reason = pcall(M.wait, what or code, function()
    found = self:lua('return ' .. code)
    return vim.deep_equal(found, expected)
  end)
  if not holds then
    error(('%s\nexpected %s\nfound    %s'):format(reason, vim.inspect(expected), vim.inspect(found)), 2)
  end
end

function Editor:lines()
  return self:lua('return vim.api.nvim_buf_get_lines(0, 0, -1, false)')
end

function Editor:wait_lines(expected)
  self:wait_equal(expected, 'vim.api.nvim_buf_get_lines(0, 0, -1, false)', 'the text')
end

function Editor:ghost()
  local ghost = self:lua('return t.ghost()')
  return ghost ~= vim.NIL and ghost or nil
end

--- Waits for a ghost whose parts are as given; nil: for none.
function Editor:wait_ghost(expected)
  local found
  local holds = pcall(M.wait, 'ghost', function()
    found = self:ghost()
    if not expected or not found then
      return expected == found
    end
    for name, value in pairs(expected) do
      if not vim.deep_equal(found[name], value) then
        return false
      end
    end
    return true
  end)
  if not holds then
    error(('the ghost: expected %s, found %s'):format(vim.inspect(expected), vim.inspect(found)), 2)
  end
end

--- A buffer with these lines, and the cursor in insert mode at {row, column}, from 1 and 0, in bytes.
function Editor:open(lines, cursor, filetype)
  self:lua([[
    local lines, filetype = ...
    t.n_buffers = (t.n_buffers or 0) + 1
    vim.cmd('edit! /nowhere/file' .. t.n_buffers .. '.txt')
    vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
    vim.o.undolevels = vim.o.undolevels
    vim.bo.filetype = filetype
  ]], lines, filetype or 'text')
  self:lua('vim.api.nvim_win_set_cursor(0, ...)', { cursor[1], math.max(cursor[2] - 1, 0) })
  self:type(cursor[2] == 0 and 'i' or 'a')
  self:wait_equal('i', 'vim.api.nvim_get_mode().mode')
end

--- The next message of this method that the server got; those before it are passed over.
function Editor:take(method)
  local message
  M.wait('the message ' .. method, function()
    message = self:lua([[
      local n, method = ...
      for i = n + 1, #t.received do
        if t.received[i].method == method then return { i, t.received[i] } end
      end
      return vim.NIL
    ]], self.n_taken, method)
    return message ~= vim.NIL
  end)
  self.n_taken = message[1]
  return message[2]
end

--- The last request for a completion, once there is one for this cursor {row, column}, from 1 and 0, in UTF-16 units.
function Editor:take_request(row, column)
  local message
  repeat
    message = self:take('textDocument/inlineCompletion')
  until not row or vim.deep_equal(message.params.position, { line = row - 1, character = column })
  return message
end

--- How many messages of this method came.
function Editor:count(method)
  return self:lua([[
    local method = ...
    return #vim.tbl_filter(function(message) return message.method == method end, t.received)
  ]], method)
end

function Editor:send(message)
  message.jsonrpc = '2.0'
  self:lua("require('octet.client').notify('stub/send', { text = ... })", vim.json.encode(message))
end

--- Items that say `texts`, each with the `n_typed` characters before the cursor as their beginning.
function Editor:answer(request, texts, n_typed, n_covered)
  local at = request.params.position
  local items = {}
  for i, text in ipairs(texts) do
    items[i] = {
      insertText = text,
      range = {
        start = { line = at.line, character = at.character - (n_typed or 0) },
        ['end'] = { line = at.line, character = at.character + (n_covered or 0) },
      },
      command = { title = '', command = 'octet.acceptCompletion', arguments = { text } },
    }
  end
  self:send({ id = request.id, result = { items = #items > 0 and items or vim.empty_dict() } })
end

function Editor:partial(request, sequence, text, n_typed)
  local at = request.params.position
  self:send({
    method = 'octet/inlineCompletionPartial',
    params = {
      uri = request.params.textDocument.uri,
      version = 1,
      requestId = request.id,
      sequence = sequence,
      text = text,
      range = { start = { line = at.line, character = at.character - (n_typed or 0) }, ['end'] = at },
      done = false,
    },
  })
end

--- Waits until all that the server sent so far was looked at.
function Editor:settle()
  self.n_markers = self.n_markers + 1
  self:send({ method = 'stub/marker', params = vim.empty_dict() })
  self:wait_equal(self.n_markers, 't.markers', 'the marker')
end

--- The screen of the terminal.
function Editor:screen()
  local text = vim.fn.system({ 'tmux', '-S', self.terminal, 'capture-pane', '-p', '-t', '0' })
  local lines = vim.split(text, '\n', { plain = true })
  while #lines > 0 and (lines[#lines] == '' or lines[#lines] == '~') do
    table.remove(lines)
  end
  return lines
end

function Editor:wait_screen(expected)
  local found
  local holds = pcall(M.wait, 'screen', function()
    found = self:screen()
    return vim.deep_equal(found, expected)
  end)
  if not holds then
    error(('the screen: expected\n%s\nfound\n%s'):format(table.concat(expected, '\n'), table.concat(found, '\n')), 2)
  end
end

function M.clean_up()
  for _, editor in ipairs(running) do
    pcall(vim.rpcnotify, editor.channel, 'nvim_command', 'qall!')
    if editor.terminal then
      pcall(vim.fn.chanclose, editor.channel)
      vim.fn.system({ 'tmux', '-S', editor.terminal, 'kill-server' })
    else
      vim.fn.jobwait({ editor.channel }, kLimitMs)
    end
  end
  running = {}
end

return M
