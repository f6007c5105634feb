-- Code completion as ghost text, from a language server that never leaves this machine. See `:help octet`.

local client = require('octet.client')
local completion = require('octet.completion')
local keys = require('octet.keys')
local menu = require('octet.menu')
local options = require('octet.options')
local render = require('octet.render')
local status = require('octet.status')

local M = {}

local is_set_up = false

local function attach_wanted()
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if options.wants(buffer) then
      client.attach(buffer)
    end
  end
end

-- A buffer with a file is worth a server before the first key: it can read the workspace meanwhile.
local function on_file(event)
  if options.wants(event.buf) and vim.api.nvim_buf_get_name(event.buf) ~= '' then
    client.start()
    client.attach(event.buf)
  end
end

local function on_focus(event)
  if client.is_attached(event.buf) then
    client.notify('textDocument/didFocus', { textDocument = { uri = vim.uri_from_bufnr(event.buf) } })
  end
end

local function on_insert()
  menu.follow_cmp(vim.schedule_wrap(completion.update))
  completion.update_anew()
  vim.schedule(completion.update) -- the mode is still the one before
end

local function create_autocommands()
  local group = vim.api.nvim_create_augroup('octet', {})
  local function on(events, callback, pattern)
    vim.api.nvim_create_autocmd(events, {
      group = group,
      pattern = pattern,
      callback = function(event)
        callback(event)
      end,
    })
  end
  local later = vim.schedule_wrap(completion.update) -- text and menu may not be looked at yet
  on({ 'BufReadPost', 'BufNewFile', 'FileType', 'BufFilePost' }, on_file)
  on('BufFilePre', function(event)
    client.detach(event.buf)
  end)
  on('BufEnter', on_focus)
  on('InsertEnter', on_insert)
  on({ 'TextChangedI', 'TextChangedP', 'CursorMovedI', 'WinEnter' }, completion.update)
  on({ 'InsertLeave', 'BufLeave', 'WinLeave', 'BufReadPre' }, completion.clear)
  on({ 'CompleteChanged', 'CompleteDone' }, later)
  on('User', later, { 'BlinkCmpMenuOpen', 'BlinkCmpMenuClose' })
  on('ColorScheme', render.define_highlights)
end

--- Starts. Again: with other options, live.
---@param given? octet.Options
function M.setup(given)
  if vim.fn.has('nvim-0.7') == 0 then
    error('octet: Neovim 0.7 or newer is needed', 0)
  end
  local cmd_before = options.current.cmd
  options.set(given)
  client.on_partial = completion.on_partial
  client.on_ready = function()
    attach_wanted()
    completion.update_anew()
  end
  render.define_highlights()
  keys.define_plugs()
  keys.map(options.current.keymaps)
  create_autocommands()
  if is_set_up and not vim.deep_equal(cmd_before, options.current.cmd) then
    client.restart()
  else
    client.send_settings()
  end
  is_set_up = true
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    on_file({ buf = buffer })
  end
end

---@return boolean
function M.is_set_up()
  return is_set_up
end

--- Changes settings of the server, live: `{minConfidence = 0.7}`.
---@param settings table<string, any>
function M.configure(settings)
  local changed = vim.tbl_extend('force', options.current, {
    settings = vim.tbl_extend('force', options.current.settings, settings),
  })
  options.set(changed)
  client.send_settings()
end

--- Turns suggestions on or off, in all buffers; off, the server takes no step, and gives its memory back in time.
---@param is_enabled boolean
function M.set_enabled(is_enabled)
  if not is_set_up then
    M.setup()
  end
  options.current.enabled = is_enabled
  client.send_settings()
  if is_enabled then
    client.start()
    attach_wanted()
  end
  completion.update_anew()
end

--- Turns them on or off in one buffer, whose text the server does not hear when they are off.
---@param is_enabled boolean
---@param buffer? integer
function M.set_buffer_enabled(is_enabled, buffer)
  buffer = buffer or vim.api.nvim_get_current_buf()
  vim.b[buffer].octet_enabled = is_enabled
  if is_enabled then
    on_file({ buf = buffer })
  else
    client.detach(buffer)
  end
  completion.update_anew()
end

---@return boolean whether this buffer is completed
function M.is_enabled()
  return is_set_up and options.wants(vim.api.nvim_get_current_buf())
end

function M.toggle()
  M.set_enabled(not (is_set_up and options.current.enabled))
end

--- For a statusline: `octet`, with what is to be known behind it.
---@return string
function M.statusline()
  return status.line(M.is_enabled())
end

--- Whether a suggestion is on the screen.
---@return boolean
function M.is_visible()
  return completion.visible() ~= nil
end

--- Each presses its key: true where there was something to do. For mappings of your own.
for _, name in ipairs({ 'accept', 'accept_word', 'accept_line', 'next', 'previous', 'dismiss', 'trigger' }) do
  M[name] = function()
    return keys.press(name)
  end
end

return M
