-- The one server process, through Neovim's own language client: started when it is needed, and again when it crashed.

local binary = require('octet.binary')
local options = require('octet.options')
local restarts = require('octet.restarts')
local status = require('octet.status')
local workspace = require('octet.workspace')

local M = {}

local kHasMethods = vim.fn.has('nvim-0.11') == 1 -- client:request instead of client.request

---@type table? the client once it answered `initialize`
M.client = nil
---@type fun(params: table)? hears octet/inlineCompletionPartial
M.on_partial = nil
---@type fun()? hears that the server, or its model, is there
M.on_ready = nil

local is_starting = false
local client_id = nil -- of the process, also before M.client is there
local generation = 0 -- what belongs to a server that was stopped is ignored
local has_given_up = false -- until somebody restarts it
local folders = {}

local function give_up(message)
  has_given_up = true
  status.set({ state = 'failed', message = message, busy = false })
  vim.notify('octet: ' .. message, vim.log.levels.ERROR)
end

local function call(name, ...)
  if kHasMethods then
    return M.client[name](M.client, ...)
  end
  return M.client[name](...)
end

---@return boolean sent
---@return integer? id
function M.request(method, params, handler, buffer)
  if not M.client then
    return false
  end
  return call('request', method, params, handler, buffer)
end

function M.notify(method, params)
  if M.client then
    call('notify', method, params)
  end
end

---@param id integer
function M.cancel(id)
  if M.client then
    call('cancel_request', id)
  end
end

---@return string
function M.encoding()
  return M.client and M.client.offset_encoding or 'utf-16'
end

--- The settings as the server hears them.
local function settings()
  local all = vim.tbl_extend('force', { enabled = options.current.enabled }, options.current.settings)
  all.enabled = all.enabled and options.current.enabled
  return all
end

--- Tells the server the settings of now.
function M.send_settings()
  M.notify('workspace/didChangeConfiguration', { settings = { octet = settings() } })
end

--- Opens a buffer at the server, which hears of its changes from then on.
---@param buffer integer
function M.attach(buffer)
  if not M.client or M.is_attached(buffer) then
    return
  end
  local folder = workspace.folder_of(buffer)
  if folder and not folders[folder] then
    folders[folder] = true
    local added = { uri = vim.uri_from_fname(folder), name = folder }
    M.notify('workspace/didChangeWorkspaceFolders', { event = { added = { added }, removed = {} } })
  end
  vim.lsp.buf_attach_client(buffer, M.client.id)
end

---@param buffer integer
function M.detach(buffer)
  if M.client and M.is_attached(buffer) then
    vim.lsp.buf_detach_client(buffer, M.client.id)
  end
end

---@param buffer integer
---@return boolean
function M.is_attached(buffer)
  return M.client ~= nil and vim.lsp.buf_is_attached(buffer, M.client.id)
end

local function init_options()
  return { octet = vim.tbl_extend('force', settings(), { streaming = true, status = true }) }
end

local kHandlers = {
  ['octet/inlineCompletionPartial'] = function(_, params)
    if M.on_partial then
      M.on_partial(params)
    end
  end,
  ['octet/status'] = function(_, params)
    local has_model_now = params.state == 'ready' and status.current.state ~= 'ready'
    status.set({ state = params.state, message = params.message })
    if has_model_now and M.on_ready then
      M.on_ready()
    end
  end,
  ['didChangeStatus'] = function(_, params)
    status.set({ busy = params.busy == true })
  end,
  ['workspace/configuration'] = function(_, params)
    local answer = {}
    for i, item in ipairs(params.items) do
      answer[i] = item.section == 'octet' and settings() or vim.NIL
    end
    return answer
  end,
}

local launch

local function on_exit(code, signal)
  M.client, client_id, is_starting, folders = nil, nil, false, {}
  local how = signal ~= 0 and ('signal %d'):format(signal) or ('exit code %d'):format(code)
  if not restarts.take() then
    local reason = 'the server ended 5 times in 3 minutes, the last time with %s; `:Octet log` may say why, `:Octet restart` tries again'
    return give_up(reason:format(how))
  end
  local cmd, reason = binary.command(options.current.cmd)
  if not cmd then
    return give_up(reason)
  end
  status.set({ state = 'starting', message = 'the server ended with ' .. how .. ' and starts again', busy = false })
  launch(cmd)
end

function launch(cmd)
  generation = generation + 1
  local mine = generation
  is_starting = true
  local config = {
    name = 'octet',
    cmd = cmd,
    root_dir = nil,
    init_options = init_options(),
    settings = { octet = settings() },
    handlers = kHandlers,
    flags = { debounce_text_changes = 0, allow_incremental_sync = true },
    on_init = function(client)
      vim.schedule(function()
        if mine ~= generation then
          return
        end
        M.client, is_starting = client, false
        if M.on_ready then
          M.on_ready()
        end
      end)
    end,
    on_exit = function(code, signal)
      vim.schedule(function()
        if mine == generation and (vim.v.exiting == nil or vim.v.exiting == vim.NIL) then
          on_exit(code, signal)
        end
      end)
    end,
  }
  local started, id
  if kHasMethods then
    started, id = pcall(vim.lsp.start, config, { attach = false, reuse_client = function() end })
  else
    started, id = pcall(vim.lsp.start_client, config)
  end
  client_id = started and id or nil
  if not client_id then
    is_starting = false
    give_up(('`%s` cannot be started%s'):format(table.concat(cmd, ' '), started and '' or ': ' .. tostring(id)))
  end
end

--- Starts the server unless it is there, on its way, or given up.
function M.start()
  if M.client or is_starting or has_given_up then
    return
  end
  local cmd, reason = binary.command(options.current.cmd)
  if not cmd then
    return give_up(reason)
  end
  status.set({ state = 'starting', message = 'the server starts' })
  if options.current.cmd then
    return launch(cmd)
  end
  is_starting = true
  generation = generation + 1
  local mine = generation
  binary.ask_version(cmd[1], function(version, problem)
    if mine ~= generation then
      return
    end
    is_starting = false
    if not version then
      return give_up(problem)
    end
    launch(cmd)
  end)
end

--- Ends the server. It is not started again by itself.
function M.stop()
  generation = generation + 1
  is_starting, has_given_up = false, false
  if client_id and kHasMethods then
    local client = vim.lsp.get_client_by_id(client_id)
    if client then
      client:stop()
    end
  elseif client_id then
    vim.lsp.stop_client(client_id)
  end
  M.client, client_id, folders = nil, nil, {}
  status.set({ state = 'stopped', message = 'the server is not running', busy = false })
end

--- A new server, also after too many crashes.
function M.restart()
  M.stop()
  restarts.reset()
  M.start()
end

return M
