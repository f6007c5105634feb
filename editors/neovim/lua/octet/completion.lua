-- From keys to ghost text: asks the server, keeps the suggestion of now, and shows what is left of it.

local client = require('octet.client')
local menu = require('octet.menu')
local options = require('octet.options')
local position = require('octet.position')
local render = require('octet.render')
local suggestion = require('octet.suggestion')

local M = {}

local kInvoked, kAutomatic = 1, 2

---@class octet.Request
---@field id integer? of the server
---@field buffer integer
---@field changedtick integer
---@field cursor integer[]
---@field trigger integer
---@field step integer? of the alternatives: 1 the next, -1 the one before

---@type octet.Request? the one whose answer is waited for
local request = nil
---@type octet.Request? the last one; nothing asks twice in one place
local asked = nil
---@type octet.Suggestion[]
local choices = {}
local chosen = 1
local has_alternatives = false -- whether `choices` are all there are
local shown_token = nil

---@return octet.Suggestion?
local function current()
  return choices[chosen]
end

local function is_here(r)
  return r.buffer == vim.api.nvim_get_current_buf()
    and r.changedtick == vim.api.nvim_buf_get_changedtick(r.buffer)
    and vim.deep_equal(r.cursor, vim.api.nvim_win_get_cursor(0))
end

local function is_inserting()
  return vim.api.nvim_get_mode().mode:sub(1, 1) == 'i'
end

--- The token of an item: what `octet.acceptCompletion` is to be told.
local function token_of(item)
  return item.command and item.command.arguments and item.command.arguments[1]
end

local function forget()
  choices, chosen, has_alternatives = {}, 1, false
  render.clear()
end

--- What is left of the suggestion, if it is on the screen.
---@return octet.Suggestion?
---@return string? left
function M.visible()
  local s = current()
  if not s or not render.is_shown() then
    return nil
  end
  local left = suggestion.remaining(s)
  if left and left ~= '' then
    return s, left
  end
end

--- Brings the screen up to date with the buffer.
---@return boolean shown
local function show()
  local s = current()
  local left = s and suggestion.remaining(s)
  if not left or left == '' then
    forget()
    return false
  end
  local hint = #choices > 1 and ('%d/%d'):format(chosen, #choices) or nil
  render.show(left, s.tail, s.rest, hint)
  local token = token_of(s.item)
  if token and token ~= shown_token then
    shown_token = token
    client.notify('textDocument/didShowCompletion', { item = s.item })
  end
  return true
end

--- Nobody waits for an answer any more, and nothing is shown.
function M.clear()
  if request and request.id then
    client.cancel(request.id)
  end
  request = nil
  forget()
end

--- Takes over what the server has, unless it is the beginning of what is shown already and there may be more.
local function take(items, is_whole)
  local found = {}
  for _, item in ipairs(items) do
    table.insert(found, suggestion.new(item, request.buffer, client.encoding()))
  end
  if not is_whole then
    local _, left = M.visible()
    if #found == 0 or (left and vim.startswith(left, suggestion.remaining(found[1]))) then
      return
    end
  end
  choices, chosen, has_alternatives = found, 1, is_whole and request.trigger == kInvoked
end

--- Puts what was shown first, and steps from there.
local function take_alternatives(items)
  local before = current()
  take(items, true)
  if before then
    local left = suggestion.remaining(before)
    choices = vim.tbl_filter(function(s)
      return suggestion.remaining(s) ~= left
    end, choices)
    table.insert(choices, 1, before)
  end
  chosen = before and request.step and (request.step % #choices) + 1 or 1
end

local function on_answer(mine, problem, result)
  if request ~= mine or not is_here(mine) or not is_inserting() then
    return -- too late
  end
  if menu.is_open() then
    return M.clear()
  end
  local items = not problem and type(result) == 'table' and result.items or {}
  if mine.step then
    take_alternatives(items)
  else
    take(items, true)
  end
  request = nil
  show()
end

--- A text that still grows.
function M.on_partial(params)
  local mine = request
  if not mine or mine.id ~= params.requestId or mine.step or not is_here(mine) or not is_inserting() or menu.is_open() then
    return
  end
  take({ { insertText = params.text, range = params.range } }, false)
  show()
end

---@param trigger integer
---@param step? integer
local function ask(trigger, step)
  local buffer = vim.api.nvim_get_current_buf()
  if not client.client then
    return client.start()
  end
  client.attach(buffer)
  local cursor = vim.api.nvim_win_get_cursor(0)
  local mine = {
    buffer = buffer,
    changedtick = vim.api.nvim_buf_get_changedtick(buffer),
    cursor = cursor,
    trigger = trigger,
    step = step,
  }
  request, asked = mine, mine
  local sent, id = client.request('textDocument/inlineCompletion', {
    textDocument = { uri = vim.uri_from_bufnr(buffer) },
    position = {
      line = cursor[1] - 1,
      character = position.to_character(vim.api.nvim_get_current_line(), cursor[2], client.encoding()),
    },
    context = { triggerKind = trigger },
  }, function(problem, result)
    on_answer(mine, problem, result)
  end, buffer)
  mine.id = sent and id or nil
end

--- After whatever may have changed text, cursor, mode or menus.
function M.update()
  if not is_inserting() or menu.is_open() or not options.wants(vim.api.nvim_get_current_buf()) then
    asked = nil
    return M.clear()
  end
  local is_choice = show() and has_alternatives -- the answer to typing could be another one
  if options.current.automatic and not is_choice and not (asked and is_here(asked)) then
    ask(kAutomatic)
  end
end

--- Asks anew in the same place, too.
function M.update_anew()
  asked = nil
  M.update()
end

--- Asks for a suggestion here, however unsure.
function M.trigger()
  if is_inserting() and options.wants(vim.api.nvim_get_current_buf()) then
    ask(kInvoked)
  end
end

--- Shows another alternative: 1 the next, -1 the one before.
---@param step integer
function M.cycle(step)
  if not M.visible() then
    return M.trigger()
  elseif not has_alternatives then
    return ask(kInvoked, step)
  end
  chosen = (chosen - 1 + step) % #choices + 1
  show()
end

--- Hides the suggestion until the text changes.
function M.dismiss()
  M.clear()
end

return M
