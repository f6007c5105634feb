-- Makes an older Neovim look like 0.11 to the plugin: what came since is there, and what the plugin may use in older versions alone raises
-- an error. Loaded inside the editor, before the plugin. api_test.lua has the names that it may use nowhere.

if vim.fn.has('nvim-0.11') == 1 then
  return
end

require('vim.lsp') -- which goes on using what it took from here

local function gone(instead)
  return function()
    error('gone in newer versions: use ' .. instead, 2)
  end
end

local has = vim.fn.has
vim.fn.has = function(feature)
  local minor = feature:match('^nvim%-0%.(%d+)$')
  return minor and (tonumber(minor) <= 11 and 1 or 0) or has(feature)
end

-- 0.8
local stdpath = vim.fn.stdpath
vim.fn.stdpath = function(what)
  return stdpath(what == 'log' and 'cache' or what)
end

-- 0.10
vim.uv = vim.loop
vim.loop = setmetatable({}, {
  __index = function(_, name)
    if debug.getinfo(2, 'S').source:find('lua/octet/', 1, true) then
      error('vim.loop is gone in newer versions: use vim.uv', 2)
    end
    return vim.uv[name]
  end,
})
local health = require('health')
vim.health = { start = health.report_start, ok = health.report_ok, warn = health.report_warn, error = health.report_error }
local set_extmark = vim.api.nvim_buf_set_extmark
vim.api.nvim_buf_set_extmark = function(buffer, namespace, row, column, options)
  local known = vim.tbl_extend('force', {}, options)
  known.virt_text_pos = options.virt_text_pos == 'inline' and 'overlay' or options.virt_text_pos
  return set_extmark(buffer, namespace, row, column, known)
end

-- 0.11: str_utfindex(text, encoding, byte, is_strict), str_byteindex(text, encoding, character, is_strict). Neovim itself calls the old ones.
local str_utfindex, str_byteindex = vim.str_utfindex, vim.str_byteindex
vim.str_utfindex = function(text, encoding, index, is_strict)
  if type(encoding) ~= 'string' then
    return str_utfindex(text, encoding)
  end
  assert((encoding == 'utf-16' or encoding == 'utf-32') and is_strict == false)
  local n_utf32, n_utf16 = str_utfindex(text, index)
  return encoding == 'utf-16' and n_utf16 or n_utf32
end
vim.str_byteindex = function(text, encoding, index, is_strict)
  if type(encoding) ~= 'string' then
    return str_byteindex(text, encoding, index)
  end
  assert((encoding == 'utf-16' or encoding == 'utf-32') and is_strict == false)
  return str_byteindex(text, index, encoding == 'utf-16')
end

-- 0.11: clients have methods; a client is what `on_init` and get_client_by_id give.
local kMethods = { request = true, notify = true, cancel_request = true, stop = true }
local start_client, get_client_by_id, stop_client = vim.lsp.start_client, vim.lsp.get_client_by_id, vim.lsp.stop_client
local wrapped = {}
local function wrap(client)
  if client and not wrapped[client] then
    wrapped[client] = setmetatable({}, {
      __index = function(self, name)
        if not kMethods[name] then
          return client[name]
        end
        return function(receiver, ...)
          if receiver ~= self then
            error(('client.%s: expected a call as a method, client:%s(...)'):format(name, name), 2)
          end
          return client[name](...)
        end
      end,
    })
  end
  return wrapped[client]
end
vim.lsp.start_client, vim.lsp.stop_client = gone('vim.lsp.start'), gone('Client:stop')
local starting = {} -- before 0.8 get_client_by_id does not know of those that have not answered `initialize`
vim.lsp.get_client_by_id = function(id)
  local is_plugin = debug.getinfo(2, 'S').source:find('lua/octet/', 1, true) -- Neovim itself asks as well
  local client = get_client_by_id(id)
  return is_plugin and (wrap(client) or starting[id]) or client
end
vim.lsp.start = function(config, options)
  assert(options.attach == false and options.reuse_client() == nil, 'a client of its own, without the buffer of now')
  local own = vim.tbl_extend('force', {}, config)
  own.on_init = function(client, result)
    starting[client.id] = nil
    return config.on_init(wrap(client), result)
  end
  local id = start_client(own)
  if id then
    starting[id] = setmetatable({ id = id, stop = function() stop_client(id) end }, {
      __index = function(_, name)
        error('a client that is not there yet has no ' .. name, 2)
      end,
    })
  end
  return id
end
